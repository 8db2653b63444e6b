// Pages between the trials: each calls `done(fields)` once, with what the log is to hold of it.
"use strict";

function consentScreen(display, done) {
  const agree = button("I agree and take part", () => done({ answer: "agreed" }));
  const decline = button("I do not agree", () => done({ answer: "declined" }), { class: "second" });
  show(display, STUDY.title, ...paragraphs(STUDY.texts.consent), contact(),
    element("div", { class: "buttons" }, agree, decline));
}

function contact() {
  return element("p", { class: "contact" }, `Contact: ${STUDY.contact}`);
}

function textScreen(title, texts) {
  return (display, done) =>
    show(display, title, ...texts.flatMap(paragraphs), button("Continue", () => done({ answer: "read" })));
}

function instructionTexts(maps) {
  return [STUDY.texts.task, ...(maps ? [STUDY.texts.map] : []), STUDY.texts.answering];
}

// `left`: tries that remain after this one.
function comprehensionScreen(questions, maps, left, failed) {
  return (display, done) => {
    const form = element("form", { novalidate: true });
    const error = element("p", { class: "error", role: "alert" });
    const fields = questions.map((each, place) =>
      choice(`question${place}`, each.question, each.answers.map((text, value) => [value, text])));
    form.append(...fields, error, element("button", { class: "main" }, "Check my answers"));
    form.addEventListener("submit", guard((event) => {
      event.preventDefault();
      const answers = questions.map((_, place) => chosen(form, `question${place}`));
      if (answers.includes(null)) {
        error.textContent = "Please answer every question.";
        return form.querySelector(`input[name="question${answers.indexOf(null)}"]`).focus();
      }
      const told = questions.map((each, place) => [each.question, each.answers[answers[place]]]);
      const correct = answers.every((answer, place) => answer === questions[place].right);
      done({ answer: Object.fromEntries(told), correct });
    }));
    const lost = failed ? ["Not all answers were right. Please read the instructions again, and try once more. "] : [];
    const tries = left === 0 ? "This is your last try." : `You have ${left + 1} tries.`;
    show(display, "Did we explain it well?", element("p", failed ? { class: "error" } : {}, ...lost, tries),
      element("details", { open: failed }, element("summary", {}, "The instructions again"),
        ...instructionTexts(maps).flatMap(paragraphs)), form);
  };
}

function descriptionScreen(display, done) {
  const field = element("textarea", { id: "words", rows: "7", maxlength: "4000", "aria-describedby": "hint problem" });
  const error = element("p", { class: "error", id: "problem", role: "alert" });
  const send = () => {
    const answer = field.value.trim();
    if (answer.length >= STUDY.characters) return done({ answer });
    error.textContent = `Please write a little more: ${answer.length} of at least ${STUDY.characters} characters are there.`;
    field.focus();
  };
  show(display, "In your own words", element("label", { for: "words" }, ...paragraphs(STUDY.texts.description)), field,
    element("p", { id: "hint", class: "hint" }, "Please write nothing that tells who you are."), error,
    button("Continue", send));
}

function questionnaireScreen(statements) {
  return (display, done) => {
    const points = STUDY.questionnaire.points;
    const form = element("form", { novalidate: true });
    const error = element("p", { class: "error", role: "alert" });
    const options = Array.from({ length: points }, (_, place) => [place + 1, String(place + 1)]);
    form.append(...statements.map((text, place) => choice(`statement${place}`, text, options, true)), error,
      element("button", { class: "main" }, "Continue"));
    form.addEventListener("submit", guard((event) => {
      event.preventDefault();
      const answers = statements.map((_, place) => chosen(form, `statement${place}`));
      const missing = answers.indexOf(null);
      if (missing < 0) return done({ answer: Object.fromEntries(statements.map((text, place) => [text, answers[place]])) });
      error.textContent = "Please answer every line.";
      form.querySelector(`input[name="statement${missing}"]`).focus();
    }));
    show(display, "How was it?",
      element("p", {}, `How far do you agree? 1: not at all, ${points}: entirely.`), form);
  };
}
