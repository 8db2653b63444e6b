// From the participant's code to the end: the steps of the plan that the log does not hold yet, run by jsPsych.
"use strict";

class Screen {
  static info = {
    name: "screen",
    version: "1.0.0",
    parameters: { render: { type: jsPsychModule.ParameterType.FUNCTION } },
    data: {},
  };

  constructor(jsPsych) {
    this.jsPsych = jsPsych;
  }

  trial(display, trial) {
    trial.render(display, () => this.jsPsych.finishTrial({}));
  }
}

const stage = document.getElementById("stage");

function notice(text, warning = false) {
  const line = document.getElementById("notice");
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("warning", warning);
}

// All steps of a participant in order: {phase, trial, block, render}; `render(display, done)`.
function stepsOf(plan) {
  const steps = [];
  const counts = {};
  const add = (phase, block, fields) => {
    counts[phase] = (counts[phase] ?? -1) + 1;
    steps.push({ phase, trial: counts[phase], condition: block.condition, access: block.access, ...fields });
  };
  const maps = plan.some((block) => block.condition !== "none");
  const questions = STUDY.questions.filter((each) => maps || !each.maps);
  add("consent", plan[0], { render: consentScreen });
  add("instructions", plan[0], { render: textScreen("What to do", instructionTexts(maps)) });
  add("comprehension", plan[0], { questions, maps });
  plan.forEach((block, place) => blockSteps(block, place, plan.length, add));
  add("end", plan[plan.length - 1], {});
  return steps;
}

function blockSteps(block, place, blocks, add) {
  const shows = block.condition !== "none";
  const part = blocks > 1 ? `Part ${place + 1} of ${blocks}: ` : "";
  const seen = { training: shows, evaluation: shows && block.access === "training_evaluation" };
  const number = { training: 0, evaluation: 0 };
  const count = (phase) => block.trials.filter((trial) => trial[0] === phase).length;
  let current = null;
  for (const [phase, item, ...wanted] of block.trials) {
    if (phase !== "attention" && phase !== current) {
      current = phase;
      add("instructions", block, introduction(part, phase, seen, shows, blocks));
    }
    if (phase !== "attention") number[phase] += 1;
    const name = current === "training" ? "Practice" : "Question";
    const title = phase === "attention" ? "A short check" : `${part}${name} ${number[phase]} of ${count(phase)}`;
    const files = phase !== "attention" && seen[phase] ? STUDY.items[item].maps[block.condition] : [];
    add(phase, block, {
      item, title, wanted, maps: files, signed: STUDY.signed[block.condition],
      map: files.length ? `${item}-${block.condition}` : null,
    });
  }
  const statements = [...STUDY.questionnaire.statements, ...(shows ? STUDY.questionnaire.map_statements : [])];
  add("description", block, { render: descriptionScreen });
  add("questionnaire", block, { render: questionnaireScreen(statements) });
}

function introduction(part, phase, seen, shows, blocks) {
  const texts = [STUDY.texts[phase]];
  if (seen[phase] && blocks > 1) texts.push("In this part you see maps.");
  if (!shows && blocks > 1) texts.push("In this part you see no maps.");
  if (phase === "evaluation" && shows && !seen.evaluation) texts.push("From now on there are no maps.");
  return { render: textScreen(part + (phase === "training" ? "Practice" : "Questions"), texts) };
}

class Session {
  constructor(log, server) {
    this.log = log;
    this.server = server;
    this.plan = STUDY.plans[log.state.slot % STUDY.plans.length];
    this.steps = stepsOf(this.plan);
    // Its safe mode concerns sound and video, of which there is none.
    this.jsPsych = jsPsychModule.initJsPsych({ display_element: stage, override_safe_mode: true });
  }

  record(step, fields) {
    const { phase, trial, condition, access, item = null, map = null } = step;
    const extra = STUDY.pilot ? { pilot: true } : {};
    const event = this.log.add({ condition, access, task: STUDY.task, phase, trial, item, map, ...fields, ...extra });
    this.server?.flush().catch(stopped);
    return event;
  }

  // A page whose fields are logged with the time since it was shown.
  page(step, render, after = () => {}) {
    return (display, done) => {
      const begun = performance.now();
      let left = false;
      render(display, (fields) => {
        if (left) return;
        left = true;
        after(this.record(step, { ...fields, rt_ms: performance.now() - begun }));
        done();
      });
    };
  }

  screens() {
    return this.steps.flatMap((step, place) => {
      const given = this.log.find(step.phase, step.trial);
      if (step.phase === "comprehension") return this.comprehension(step, place);
      if (step.phase === "end") return [];
      // What was said to the last answer in training is said again where the page was loaded before it was read.
      if (given && !(step.phase === "training" && given.sequence > this.log.state.seen)) return [];
      const trial = {
        ...step,
        record: (fields) => this.record(step, fields),
        seen: (event) => this.log.change({ seen: event.sequence }),
      };
      const ending = (event) => step.phase === "consent" && event.answer === "declined" && this.finish("declined");
      const render = step.render ? this.page(step, step.render, ending) : trialScreen(trial, given);
      return [this.screen(place, render)];
    });
  }

  // One page per try that is left; those after the right answers are passed over.
  comprehension(step, place) {
    const passed = () => this.log.events.some((event) => event.phase === "comprehension" && event.correct);
    const tries = Array.from({ length: STUDY.tries }, (_, trial) => trial);
    return tries.filter((trial) => !this.log.find("comprehension", trial)).map((trial) => {
      const left = STUDY.tries - trial - 1;
      const render = comprehensionScreen(step.questions, step.maps, left, trial > 0);
      const after = (event) => !event.correct && left === 0 && this.finish("not understood");
      return { timeline: [this.screen(place, this.page({ ...step, trial }, render, after))],
        conditional_function: () => !passed() };
    });
  }

  screen(place, render) {
    const shown = (display, done) => {
      stage.removeAttribute("tabindex"); // jsPsych's; nothing is done there
      const bar = document.getElementById("progress");
      bar.max = this.steps.length - 1;
      bar.value = place;
      stage.dataset.step = place;
      bar.textContent = `${place} of ${this.steps.length - 1}`;
      guard(render)(display, guard(done));
    };
    return { type: Screen, render: shown };
  }

  finish(answer) {
    if (this.log.ended) return;
    this.record(this.steps[this.steps.length - 1], { answer, rt_ms: 0 });
    if (answer !== "completed") this.jsPsych.abortExperiment();
  }

  async run() {
    this.server?.flush().catch(stopped);
    const trials = this.steps.filter((step) => step.item !== undefined);
    for (const name of ["legend.png", "legend-signed.png", ...trials.flatMap(files)]) pictures.load(name);
    window.addEventListener("beforeunload", (event) => this.warn(event));
    stage.replaceChildren();
    const timeline = this.log.ended ? [] : this.screens();
    if (timeline.length) await this.jsPsych.run(timeline);
    this.finish("completed");
    document.getElementById("progress").value = this.steps.length;
    await endScreen(stage, this.log, this.server);
  }

  // Something would be lost, or seem lost, if the page were left now.
  warn(event) {
    if (this.log.taken()) return;
    const kept = this.server ? this.log.state.acknowledged : this.log.state.saved;
    if (this.log.events.length > kept) event.preventDefault();
  }
}

// A fault of the pages is told, not hidden; what was answered is in the storage already.
function stopped(error) {
  console.error(error);
  const text = error instanceof TakenError
    ? "The study goes on in another window or tab. Please close this one."
    : `Something went wrong (${error.message}). Your answers are kept in this browser: please load the page again.`;
  show(stage, "Stopped here", element("p", { class: "error", role: "alert" }, text));
}

function usable() {
  try {
    localStorage.setItem("study/try", "1");
    localStorage.removeItem("study/try");
    return true;
  } catch {
    return false;
  }
}

async function begin() {
  document.title = STUDY.title;
  document.getElementById("pilot").hidden = !STUDY.pilot;
  if (!usable()) {
    const text = "This browser keeps nothing for this page, so answers could be lost. Please allow storage for it, or use another window or browser.";
    return show(stage, STUDY.title, element("p", { class: "error", role: "alert" }, text));
  }
  const served = await answering();
  const before = sessionStorage.getItem(`study/${STUDY.digest}`);
  if (before && Log.slot(STUDY.digest, before) !== null) return run(new Log(STUDY.digest, before), served);
  startScreen(served);
}

async function answering() {
  for (;;) {
    try {
      return await Server.found();
    } catch (error) {
      const text = error instanceof Refused ? error.message : "The server does not answer. Trying again …";
      show(stage, STUDY.title, element("p", { role: "status" }, text));
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

function run(log, served) {
  sessionStorage.setItem(`study/${STUDY.digest}`, log.participant);
  return new Session(log, served ? new Server(log, notice) : null).run();
}

function startScreen(served) {
  const code = element("input", { id: "code", autocomplete: "off", autocapitalize: "off", spellcheck: "false", maxlength: "32", "aria-describedby": "problem" });
  const slot = element("input", { id: "slot", type: "number", inputmode: "numeric", min: "1", max: "100000", "aria-describedby": "problem" });
  const error = element("p", { class: "error", id: "problem", role: "alert" });
  const form = element("form", { novalidate: true }, element("label", { for: "code" }, "Your participant code"), code,
    ...(served ? [] : [element("label", { for: "slot" }, "Your number (slot)"), slot]), error,
    element("button", { class: "main" }, "Continue"));
  form.addEventListener("submit", guard((event) => {
    event.preventDefault();
    error.textContent = "";
    enter(code.value.trim().toLowerCase(), Number(slot.value), served)
      .then((log) => run(log, served))
      .catch((problem) => {
        if (!(problem instanceof InputError) && !(problem instanceof Refused)) return stopped(problem);
        error.textContent = problem.message;
        (problem.field === "slot" ? slot : code).focus();
      });
  }));
  show(stage, STUDY.title, element("p", {}, "Please type in what you were given."), form, contact());
  code.focus();
}

class InputError extends Error {
  constructor(message, field) {
    super(message);
    this.field = field;
  }
}

async function enter(code, slot, served) {
  if (!/^[a-z0-9_-]{1,32}$/.test(code)) throw new InputError("Please type in your code: letters, digits, - and _.", "code");
  const known = Log.slot(STUDY.digest, code) !== null;
  if (!served && !known && !(Number.isInteger(slot) && slot >= 1 && slot <= 100000)) {
    throw new InputError("Please type in your number: 1 or more.", "slot");
  }
  const log = new Log(STUDY.digest, code);
  if (!served && log.state.slot === null) log.change({ slot: slot - 1 });
  if (served && log.state.slot === null) await entered(log);
  return log;
}

async function entered(log) {
  const server = new Server(log, notice);
  for (;;) {
    try {
      await server.enter();
      return notice("");
    } catch (error) {
      if (error instanceof Refused) {
        localStorage.removeItem(log.key);
        throw error;
      }
      notice("The server does not answer. Trying again …", true);
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

guard(begin)();
