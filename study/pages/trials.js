// Trials: pictures, a question, and eight buttons that give answer and confidence at once.
"use strict";

const SURE = ["surely", "probably", "rather", "a guess"];
// Keys 1 to 8 from surely the first answer to surely the second: [answer, confidence].
const KEYS = [[0, 4], [0, 3], [0, 2], [0, 1], [1, 1], [1, 2], [1, 3], [1, 4]];
// A key that is still down from the question before is no answer to this one.
const DEAF_MS = 250;

function files(trial) {
  const item = STUDY.items[trial.item];
  const own = trial.phase === "attention" ? [] : [item.shifted, ...trial.maps];
  return [item.image, ...own].filter((name) => name);
}

function trialScreen(trial, given) {
  return async (display, done) => {
    for (const name of files(trial)) pictures.load(name);
    const figures = await figuresOf(trial);
    const heading = show(display, trial.title, element("div", { class: "figures" }, ...figures), legendOf(trial));
    if (trial.phase === "attention") heading.classList.add("attention");
    const said = element("p", { class: "said", role: "status", "aria-live": "assertive" });
    const buttons = [];
    display.append(element("p", { class: "question" }, questionOf(trial)), answerButtons(buttons), said);
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    if (given) return feedback(trial, given, buttons, said, done);
    ask(trial, buttons, said, done);
  };
}

function ask(trial, buttons, said, done) {
  const begun = performance.now();
  let answered = false;
  const answers = buttons[0].closest(".answers");
  setTimeout(() => answers.classList.add("ready"), DEAF_MS);
  const answer = guard((place) => {
    const rt = performance.now() - begun;
    if (answered || !answers.classList.contains("ready")) return;
    answered = true;
    document.removeEventListener("keydown", pressed);
    const [side, confidence] = KEYS[place];
    const right = trial.phase === "attention"
      ? side === trial.wanted[0] && confidence === trial.wanted[1]
      : side === STUDY.items[trial.item].answer;
    const event = trial.record({ answer: side, confidence, correct: right, rt_ms: rt });
    if (trial.phase === "training") return feedback(trial, event, buttons, said, done);
    done();
  });
  const pressed = (event) => {
    if (event.repeat || event.ctrlKey || event.altKey || event.metaKey || !/^[1-8]$/.test(event.key)) return;
    event.preventDefault();
    answer(Number(event.key) - 1);
  };
  document.addEventListener("keydown", pressed);
  buttons.forEach((each, place) => each.addEventListener("click", () => answer(place)));
}

function feedback(trial, event, buttons, said, done) {
  buttons.forEach((each, place) => {
    each.disabled = true;
    const [side, confidence] = KEYS[place];
    if (side === event.answer && confidence === event.confidence) each.classList.add("given");
  });
  const truth = STUDY.answers[STUDY.items[trial.item].answer];
  said.classList.add(event.correct ? "right" : "wrong");
  said.textContent = event.correct ? `✓ Right. ${truth}.` : `✗ Not right. ${truth}.`;
  const onward = button("Continue", () => {
    trial.seen(event);
    done();
  });
  said.after(onward);
  onward.focus({ preventScroll: true });
  onward.scrollIntoView({ block: "nearest" });
}

function questionOf(trial) {
  if (trial.phase === "attention") {
    const [side, confidence] = trial.wanted;
    const key = KEYS.findIndex((each) => each[0] === side && each[1] === confidence) + 1;
    return `This is to see that you read the questions: please press “${SURE[4 - confidence]}” under “${STUDY.answers[side]}” (key ${key}).`;
  }
  return STUDY.task === "model_selection"
    ? "Which model is right on this image?"
    : "Does the model's prediction change when the image is changed like this?";
}

async function figuresOf(trial) {
  const item = STUDY.items[trial.item];
  const figure = async (name, caption, alt) => {
    const empty = item.empty.includes(name) ? "\n(nothing is marked)" : "";
    return element("figure", {}, await pictures.shown(name, alt), element("figcaption", {}, caption + empty));
  };
  if (trial.phase === "attention") return [await figure(item.image, "An image", "An image of the study")];
  const twice = STUDY.task === "model_selection";
  const told = twice
    ? item.predictions.map((name, place) => `Model ${"AB"[place]} predicts: ${name}`)
    : [`The model predicts: ${item.predictions[0]}`];
  const image = await figure(item.image, twice && trial.maps.length ? "The image" : told.join("\n"), "The image");
  const shifted = item.shifted ? [await figure(item.shifted, "The changed image", "The same image, changed")] : [];
  const maps = await Promise.all(trial.maps.map((name, place) =>
    figure(name, twice ? told[place] : "Map of the image", twice ? `Map of model ${"AB"[place]}` : "Map of the model")));
  return [image, ...maps, ...shifted];
}

function legendOf(trial) {
  if (!trial.maps.length) return "";
  const place = trial.signed ? "legend-signed.png" : "legend.png";
  const [left, right] = trial.signed
    ? ["speaks against the prediction", "speaks for it"]
    : ["does not matter", "matters most"];
  const bar = element("img", { src: `pictures/${place}`, alt: "" });
  return element("p", { class: "legend" }, "Colours of the map: ", element("span", {}, left), bar, element("span", {}, right));
}

function answerButtons(buttons) {
  const groups = STUDY.answers.map((name, side) => {
    const row = KEYS.flatMap(([of, confidence], place) => {
      if (of !== side) return [];
      const label = `${name}: ${SURE[4 - confidence]}, key ${place + 1}`;
      const made = element("button", { type: "button", "aria-label": label, "data-key": place + 1 },
        element("span", {}, SURE[4 - confidence]), element("kbd", { "aria-hidden": "true" }, String(place + 1)));
      buttons.push(made);
      return [made];
    });
    const id = `answer${side}`;
    return element("div", { class: "answer", role: "group", "aria-labelledby": id },
      element("h2", { id }, name), element("div", { class: "row" }, ...row));
  });
  return element("div", { class: "answers" }, ...groups);
}
