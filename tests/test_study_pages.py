"""The pages of the study in a real browser: every condition by keyboard alone, and nothing lost whatever goes away."""

import itertools
import json
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pandas as pd
import pytest

from saliency_benchmark import __main__
from saliency_benchmark.study import building, events, pages, settings, storage
from tests import study_items
from tests.test_architecture import ROOT

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium")
SMALL = {"training": 2, "evaluation": 2, "catch_trials": 1, "participants": 6, "questionnaire": {"points": 5}}
LAPTOP, TABLET = {"width": 1366, "height": 768}, {"width": 820, "height": 1180}
# Kinds of pages, and what only they have.
KINDS = {
    "feedback": ".answers",
    "comprehension": "fieldset.options",
    "description": "textarea",
    "questionnaire": "fieldset.scale",
    "end": ".state",
    "consent": ".second",
}
SHOWN = {"model_selection": 2, "counterfactual_simulation": 1}


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def window(browser):
    """window() -> a page in a browser of its own, where an error in the page's scripts fails the test."""
    faults, contexts = [], []

    def make(**options):
        contexts.append(browser.new_context(**{"viewport": LAPTOP} | options))
        page = contexts[-1].new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda told: faults.append(told.text) if "Content Security" in told.text else None)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not faults


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """study(task, **own settings) -> the folder of a small study; built once."""
    built = {}

    def make(task="model_selection", **own):
        key = json.dumps([task, own])
        if key not in built:
            held = tmp_path_factory.mktemp("pages")
            path = study_items.write(held / "items.h5", task, {"classes": ["coat", "shirt", "bag", "boot"]})
            building.build([path], held / "study", settings.complete(SMALL | own))
            built[key] = held / "study"
        return built[key]

    return make


@contextmanager
def serving(folder, data, port):
    command = [sys.executable, "-m", "saliency_benchmark", "study-serve", folder, "--data", data, "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Participant:
    """Somebody who has a keyboard and no mouse."""

    def __init__(self, page, folder):
        self.page, self.study = page, pages.read(folder)

    def begin(self, address, code="p1", slot=None):
        self.page.goto(address)
        self.page.wait_for_selector("#code:focus")
        self.page.keyboard.type(code)
        if slot is not None:
            self.page.keyboard.press("Tab")
            self.page.keyboard.type(str(slot + 1))
        self.page.keyboard.press("Enter")
        return self

    def tab_to(self, selector):
        for _ in range(30):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"Tab never comes to {selector}")

    def press_button(self, selector="button.main"):
        self.tab_to(selector)
        self.page.keyboard.press("Enter")

    def step(self):
        return self.page.get_attribute("#stage", "data-step")

    def after(self, act):
        """Do ACT, and wait for the next screen."""
        before = self.page.query_selector("h1")
        act()
        self.page.wait_for_function("before => !before.isConnected && document.querySelector('h1')", arg=before)

    def go_on(self, until=None):
        """Answer whatever comes, until the last page, or a page for which UNTIL(kind) is true; -> kind of that page."""
        while True:
            kind = self.kind()
            if kind == "end" or (until and until(kind)):
                return kind
            self.after(lambda kind=kind: getattr(self, kind)())

    def kind(self):
        self.page.wait_for_selector("h1")
        if self.page.query_selector(".answers button:enabled"):
            return "trial"
        found = (kind for kind, selector in KINDS.items() if self.page.query_selector(selector))
        return next(found, "text")

    def text(self):
        self.press_button()

    def consent(self):
        self.press_button()

    def comprehension(self, right=True):
        for place, question in enumerate(self.questions()):
            self.tab_to(f'input[name="question{place}"]')
            self.page.keyboard.press("Space")
            for _ in range((question["right"] + (not right)) % len(question["answers"])):
                self.page.keyboard.press("ArrowDown")
        self.press_button()

    def questions(self):
        shown = self.page.locator("fieldset.options legend").all_inner_texts()
        return [next(each for each in self.study["questions"] if each["question"] == text) for text in shown]

    def trial(self, key="2"):
        """One key, or in an attention check the key that is asked for; practice goes on to its feedback."""
        asked = self.page.inner_text(".question")
        if "(key " in asked:
            key = asked.partition("(key ")[2][0]
        self.page.wait_for_selector(".answers.ready")
        practice = "Practice" in self.page.inner_text("h1")
        self.page.keyboard.press(key)
        if practice:
            self.page.wait_for_selector(".answers + .said:not(:empty)")
            self.page.keyboard.press("Enter")

    def feedback(self):
        self.page.keyboard.press("Enter")

    def description(self):
        self.tab_to("textarea")
        self.page.keyboard.type("It looks at the middle of the image.")
        self.press_button()

    def questionnaire(self):
        for place in range(self.page.locator("fieldset.scale").count()):
            self.tab_to(f'input[name="statement{place}"]')
            self.page.keyboard.press("Space")
            self.page.keyboard.press("ArrowRight")
        self.press_button()

    def saved(self):
        with self.page.expect_download() as waiting:
            self.press_button(".download")
        assert waiting.value.suggested_filename == f"study-{self.study['digest']}-p1.jsonl"
        return read(waiting.value.path())

    def received(self):
        self.page.wait_for_selector("text=All your answers have been received")


def read(path):
    log = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for event in log:
        events.Event.model_validate_json(json.dumps(event))
    assert [event["sequence"] for event in log] == list(range(len(log)))
    assert max(Counter((event["phase"], event["trial"]) for event in log).values()) == 1
    return log


def exported(data, code="p1"):
    storage.export(data, data / "logs")
    return read(data / "logs" / f"participant-{code}.jsonl")


def expected(plan):
    """Phases of a whole log in order, and what is shown in them."""
    yield from [("consent", None), ("instructions", None), ("comprehension", None)]
    for block in plan:
        current = None
        for phase, item, *_ in block["trials"]:
            if phase not in ("attention", current):
                current = phase
                yield "instructions", None
            shows = block["condition"] != "none" and (phase == "training" or block["access"] == "training_evaluation")
            yield phase, f"{item}-{block['condition']}" if shows and phase != "attention" else None
        yield from [("description", None), ("questionnaire", None)]
    yield "end", None


class Reader(Participant):
    """Somebody who is right in all of evaluation under the oracle's maps, and in every second trial without."""

    def begin(self, address, code, slot):
        (block,) = self.study["plans"][slot]
        self.planned = iter([item for phase, item, *_ in block["trials"] if phase in ("training", "evaluation")])
        self.knows = itertools.cycle([True, block["condition"] == "oracle"])
        return super().begin(address, code, slot)

    def trial(self):
        if "(key " in self.page.inner_text(".question"):
            return super().trial()
        answer = self.study["items"][next(self.planned)]["answer"]
        return super().trial("27"[answer if next(self.knows) else 1 - answer])


def test_what_people_answered_on_the_pages_comes_out_of_the_analysis(study, window, tmp_path, port):
    folder = study(training=2, evaluation=4)
    with serving(folder, tmp_path / "data", port):
        for slot in range(6):
            person = Reader(window(), folder).begin(f"http://127.0.0.1:{port}/", f"p{slot}", slot)
            person.go_on()
            person.received()
    storage.export(tmp_path / "data", tmp_path / "logs")
    (tmp_path / "all.yaml").write_text("exclusions: {reading_seconds: null, shortest_minutes: null}\n")
    words = ["study", tmp_path / "logs", "--output", tmp_path / "out", "--resamples", 100]
    assert __main__.main([str(word) for word in (*words, "--settings", tmp_path / "all.yaml")]) == 0
    tables = {path.stem: pd.read_csv(path) for path in (tmp_path / "out").glob("*.csv")}
    assert tables["problems"].empty
    assert tables["participants"]["kept"].sum() == 6
    evaluated = tables["accuracy"].query("phase == 'evaluation'").set_index("condition")
    assert evaluated["accuracy"].to_dict() == {"none": 0.5, "oracle": 1, "grad_cam": 0.5}
    assert set(evaluated["trials"]) == {8}
    differences = tables["contrasts"].set_index("condition")["difference"]
    assert differences.to_dict() == pytest.approx({"oracle": 0.5, "grad_cam": 0})
    # By its usual rules the analysis keeps none of them: nobody reads so fast.
    assert __main__.main([str(word) for word in words]) == 1
    broken = pd.read_csv(tmp_path / "out" / "participants.csv")["excluded"]
    assert broken.str.startswith("reading_seconds").sum() == 6


BOTH = {"access": ["training", "training_evaluation"]}


@pytest.mark.parametrize("slot", range(6))
def test_a_participant_of_each_condition_gets_through_offline_by_keyboard_alone(study, window, slot):
    task = list(SHOWN)[slot % 2]
    folder = study(task, **BOTH)
    person = Participant(window(), folder).begin((folder / "index.html").as_uri(), slot=slot)
    person.go_on(lambda kind: kind == "trial")
    block = person.study["plans"][slot][0]
    shows = block["condition"] != "none"
    assert person.page.locator("figure").count() == 1 + shows * SHOWN[task] + (task != "model_selection")
    assert person.page.locator(".legend").count() == shows
    person.go_on()
    log = person.saved()
    assert [(event["phase"], event["map"]) for event in log] == list(expected(person.study["plans"][slot]))
    assert {(event["condition"], event["access"], event["task"]) for event in log} == {
        (block["condition"], block["access"], task)
    }
    for event in log:
        if event["phase"] in ("training", "evaluation"):
            assert event["correct"] == (event["answer"] == person.study["items"][event["item"]]["answer"])
            assert (event["answer"], event["confidence"]) == (0, 3)
            assert event["rt_ms"] > 200
    assert [event["correct"] for event in log if event["phase"] in ("comprehension", "attention")] == [True, True]
    assert log[-1]["answer"] == "completed"


def test_a_reload_loses_and_repeats_nothing(study, window, tmp_path, port):
    folder = study()
    with serving(folder, tmp_path / "data", port):
        person = Participant(window(), folder).begin(f"http://127.0.0.1:{port}/")
        person.go_on(lambda kind: kind == "trial")
        person.page.wait_for_selector(".answers.ready")
        person.page.keyboard.press("8")
        said = person.page.wait_for_selector(".said:not(:empty)").inner_text()
        person.page.reload()
        # The answer is kept, and what was said to it is said again.
        assert person.go_on(lambda kind: kind == "feedback") == "feedback"
        assert person.page.inner_text(".said") == said
        person.after(person.feedback)
        for kind in ("trial", "description", "questionnaire"):
            person.go_on(lambda found, kind=kind: found == kind)
            person.page.reload()
            assert person.kind() == kind
        person.go_on()
        person.received()
        person.page.reload()
        person.received()
        log = exported(tmp_path / "data")
        assert [(event["phase"], event["map"]) for event in log] == list(expected(person.study["plans"][0]))
        assert next(event for event in log if event["phase"] == "training")["confidence"] == 4


def test_the_server_may_go_in_the_middle_and_come_back(study, window, tmp_path, port):
    folder = study("counterfactual_simulation")
    page = window()
    with serving(folder, tmp_path / "data", port):
        person = Participant(page, folder).begin(f"http://127.0.0.1:{port}/")
        person.go_on(lambda kind: kind == "trial")
    assert person.go_on(lambda kind: kind == "questionnaire") == "questionnaire"
    assert "kept in this browser" in page.inner_text("#notice")
    with serving(folder, tmp_path / "data", port):
        person.go_on()
        person.received()
        assert [event["phase"] for event in exported(tmp_path / "data")] == [
            phase for phase, _ in expected(person.study["plans"][0])
        ]


def test_two_participants_have_two_slots_and_no_one_takes_anothers_code(study, window, tmp_path, port):
    folder = study()
    with serving(folder, tmp_path / "data", port):
        address = f"http://127.0.0.1:{port}/"
        one, other = (Participant(window(), folder).begin(address, code) for code in ("P-1", "p-2"))
        for person in (one, other):
            person.go_on(lambda kind: kind == "trial")
            person.page.wait_for_selector("text=All answers so far are saved")
        logs = [exported(tmp_path / "data", code) for code in ("p-1", "p-2")]
        assert sorted({event["slot"] for event in log} == {0} for log in logs) == [False, True]
        assert logs[0][0]["condition"] != logs[1][0]["condition"]
        thief = Participant(window(), folder).begin(address, "p-1")
        thief.page.wait_for_selector("text=This code is in use already")


def test_within_subjects_every_condition_comes_once(study, window):
    folder = study(design="within", training=0)
    person = Participant(window(viewport=TABLET), folder).begin((folder / "index.html").as_uri(), slot=3)
    person.go_on()
    log = person.saved()
    assert [(event["phase"], event["map"]) for event in log] == list(expected(person.study["plans"][3]))
    described = [event["condition"] for event in log if event["phase"] == "description"]
    assert described == [block["condition"] for block in person.study["plans"][3]]
    assert sorted(described) == sorted(study_items.EXPLANATIONS)


def test_who_does_not_understand_or_agree_is_sent_away(study, window):
    folder = study(comprehension={"tries": 2}, pilot=True)
    person = Participant(window(), folder).begin((folder / "index.html").as_uri(), slot=0)
    person.go_on(lambda kind: kind == "comprehension")
    person.after(lambda: person.comprehension(right=False))
    assert "Not all answers were right" in person.page.inner_text("#stage")
    person.after(lambda: person.comprehension(right=False))
    assert person.page.locator("#pilot").is_visible()
    warnings = []
    person.page.on("dialog", lambda dialog: (warnings.append(dialog.type), dialog.accept()))
    person.page.reload()
    assert warnings == ["beforeunload"]
    log = person.saved()
    person.page.reload()
    assert warnings == ["beforeunload"]
    assert all(event["pilot"] for event in log)
    assert [(event["phase"], event["correct"]) for event in log[2:]] == [("comprehension", False)] * 2 + [("end", None)]
    assert log[-1]["answer"] == "not understood"
    other = Participant(window(), folder).begin((folder / "index.html").as_uri(), slot=0)
    other.go_on(lambda kind: kind == "consent")
    other.after(lambda: other.press_button("button.second"))
    assert [event["answer"] for event in other.saved()] == ["declined", "declined"]


def test_the_same_participant_in_a_second_tab_stops_the_first(study, window):
    folder = study()
    person = Participant(window(), folder).begin((folder / "index.html").as_uri(), slot=0)
    person.go_on(lambda kind: kind == "trial")
    second = Participant(person.page.context.new_page(), folder).begin((folder / "index.html").as_uri())
    second.page.keyboard.press("Enter")
    assert second.kind() == "trial"
    person.page.wait_for_selector(".answers.ready")
    person.page.keyboard.press("1")
    person.page.wait_for_selector("text=The study goes on in another window")
    second.go_on()
    assert len(second.saved()) == len(list(expected(second.study["plans"][0])))


@pytest.mark.parametrize("viewport", [LAPTOP, TABLET], ids=["laptop", "tablet"])
def test_trials_fit_on_the_screen_and_all_parts_have_names(study, window, viewport):
    folder = study("model_selection", **BOTH)
    slot = next(place for place, plan in enumerate(pages.read(folder)["plans"]) if plan[0]["condition"] != "none")
    person = Participant(window(viewport=viewport), folder).begin((folder / "index.html").as_uri(), slot=slot)
    seen = set()
    while (kind := person.go_on(lambda kind: kind not in seen)) not in seen:
        seen.add(kind)
        nameless = """() => [...document.querySelectorAll('input, textarea, button, img')].filter(each =>
            each.tagName === 'IMG' ? each.alt === null : each.tagName === 'BUTTON'
            ? !(each.innerText || each.ariaLabel) : !each.labels.length).length"""
        assert person.page.evaluate(nameless) == 0
        assert person.page.locator("h1").count() == 1
        assert person.page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
        if kind == "trial":
            box = person.page.locator(".answers").bounding_box()
            assert box["y"] + box["height"] <= viewport["height"]
    assert seen >= {"consent", "text", "comprehension", "trial", "description", "questionnaire", "end"}
