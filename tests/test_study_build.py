"""Items become a balanced study, the same bytes for the same seed; what cannot be is told."""

import json
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import yaml
from PIL import Image

from saliency_benchmark.__main__ import main
from saliency_benchmark.settings_table import settings_table
from saliency_benchmark.study import building, item_files, pages, pictures, plans, settings, squares
from saliency_benchmark.utility_design import TASKS
from tests import study_items
from tests.test_architecture import ROOT

SMALL = {"training": 2, "evaluation": 4, "participants": 3}


@pytest.fixture
def build(tmp_path):
    """build(task, own settings, **options of the items) -> the study, and the folder it is in."""

    def make(task="model_selection", own=SMALL, folder="study", pilot=False, **options):
        path = study_items.write(tmp_path / f"{folder}.h5", task, **options)
        return building.build([path], tmp_path / folder, settings.complete(dict(own), pilot)), tmp_path / folder

    return make


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("conditions", [1, 2, 3, 4, 5, 6, 9])
def test_a_latin_square_has_each_condition_equally_often_at_each_place_and_after_each_other(conditions):
    rows = squares.latin(conditions, np.random.default_rng(3))
    assert all(sorted(row) == list(range(conditions)) for row in rows)
    for place in range(conditions):
        assert set(Counter(row[place] for row in rows).values()) == {len(rows) // conditions}
    after = Counter(pair for row in rows for pair in pairwise(row))
    assert len(after) == conditions * (conditions - 1)
    assert len(set(after.values())) <= 1


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    """plan(own settings) -> plans for 24 items of practice and 48 of evaluation, conditions, answers by item."""
    path = study_items.write(tmp_path_factory.mktemp("plans") / "items.h5", TASKS[0], evaluation=48, training=24)
    items = item_files.read([path])

    def make(**own):
        full = settings.complete(SMALL | own)
        arms = plans.conditions(items.explanations, full["access"])
        return plans.plans(items.items, full, arms), arms, {item.name: item.answer for item in items.items}

    return make


def shown(block, *phases):
    return [trial[1] for trial in block["trials"] if trial[0] in phases]


@pytest.mark.parametrize("design", ["between", "within"])
def test_conditions_are_balanced_over_slots_places_and_items(plan, design):
    made, arms, _ = plan(design=design, access=["training", "training_evaluation"], participants=12)
    assert (len(arms), len(made)) == (6, 12)
    for square in (made[:6], made[6:]):
        seen = {arm: Counter() for arm in arms}
        for place in range(len(square[0])):
            at = Counter((slot[place]["condition"], slot[place]["access"]) for slot in square)
            assert at == dict.fromkeys(arms, 1)
        for block in (block for slot in square for block in slot):
            seen[block["condition"], block["access"]].update(shown(block, "training", "evaluation"))
        assert all(counts == seen[arms[0]] for counts in seen.values())
        assert set(seen[arms[0]].values()) == {1}


@pytest.mark.parametrize("design", ["between", "within"])
def test_a_participant_meets_no_item_twice_and_half_of_each_answer(plan, design):
    made, _, answers = plan(design=design, participants=20)
    for slot in made:
        for phase, half in (("training", 1), ("evaluation", 2)):
            for block in slot:
                assert Counter(answers[name] for name in shown(block, phase)) == {0: half, 1: half}
        names = [name for block in slot for name in shown(block, "training", "evaluation")]
        assert len(set(names)) == len(names)


def test_nobody_sees_an_image_twice_though_several_models_are_asked_about_it(tmp_path):
    files = [study_items.write(tmp_path / f"{name}.h5", TASKS[0], training=8, evaluation=12) for name in "ab"]
    items = item_files.read(files).items
    made = plans.plans(
        items, settings.complete(SMALL | {"design": "within", "participants": 6}), [("none", "training")]
    )
    images = {item.name: item.image for item in items}
    for slot in made:
        seen = [images[name] for block in slot for name in shown(block, "training", "evaluation")]
        assert len(set(seen)) == len(seen)
    assert {name[0] for slot in made for name in shown(slot[0], "evaluation")} == {"1", "2"}


def test_another_square_has_other_items_so_that_all_are_used(plan):
    made, _, answers = plan(participants=72)
    assert {name for slot in made for name in shown(slot[0], "training", "evaluation")} == answers.keys()


def test_attention_checks_lie_between_trials_and_ask_for_one_button(plan):
    for slot in plan(catch_trials=3)[0]:
        kinds = [trial[0] for trial in slot[0]["trials"]]
        assert kinds.count("attention") == 3
        assert kinds[0] == "training"
        for trial in (trial for trial in slot[0]["trials"] if trial[0] == "attention"):
            assert trial[2] in (0, 1)
            assert trial[3] in (1, 2, 3, 4)


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_study(build, task):
    one, other, changed = build(task, folder="a"), build(task, folder="b"), build(task, SMALL | {"seed": 1}, folder="c")
    assert files(one[1]) == files(other[1])
    assert one[0]["digest"] != changed[0]["digest"]
    assert pages.read(one[1])["digest"] == one[0]["digest"]


def test_every_picture_that_a_plan_names_is_there_large_enough_and_nothing_of_the_placebo_none(build):
    study, folder = build("counterfactual_simulation", channels=3)
    for item in study["items"].values():
        assert item["maps"]["none"] == []
        for name in [item["image"], item["shifted"], *item["maps"]["oracle"], *item["maps"]["grad_cam"]]:
            with Image.open(folder / "pictures" / name) as picture:
                assert min(picture.size) >= 336


def test_a_map_without_any_mark_is_told_as_such(tmp_path):
    arrays = study_items.arrays(TASKS[0])
    arrays["map"][::2, 1, 0] = 0
    study_items.artifacts.write(tmp_path / "items.h5", study_items.artifacts.ITEMS, arrays, {})
    study = building.build([tmp_path / "items.h5"], tmp_path / "study", settings.complete(SMALL))
    for name, item in study["items"].items():
        assert item["empty"] == item["maps"]["oracle"][:1] * (int(name) % 2 == 0)


def test_an_overlay_is_orange_for_blue_against_and_grey_where_nothing_is():
    relevance = np.array([[2.0, -2.0, 0.0, 1.0]])
    colours = pictures._tinted(np.full((1, 4, 3), 100.0), relevance)[0]
    assert colours[0].tolist() == pytest.approx((100 * 0.15 + 0.85 * pictures.FOR).tolist())
    assert colours[1].tolist() == pytest.approx((100 * 0.15 + 0.85 * pictures.AGAINST).tolist())
    assert colours[2].tolist() == [100, 100, 100]
    assert colours[3].tolist() == pytest.approx(((colours[0] + colours[2]) / 2 + 0 * colours[0]).tolist())
    assert (pictures._tinted(np.full((1, 4, 3), 100.0), 0 * relevance) == 100).all()


def test_items_of_several_files_are_pooled_under_names_of_their_own(tmp_path):
    paths = [
        study_items.write(tmp_path / f"{seed}.h5", TASKS[0], seed=seed, facts={"classes": list("abcd")})
        for seed in (0, 1)
    ]
    items = item_files.read(paths)
    assert [item.name for item in items.items] == [f"{file}-{place}" for file in (1, 2) for place in range(20)]
    assert {name for item in items.items for name in item.predictions} <= set("abcd")


def test_a_pilot_is_short_and_says_so(build):
    study, _ = build(pilot=True, own={"participants": 3})
    assert study["pilot"]
    kinds = Counter(trial[0] for trial in study["plans"][0][0]["trials"])
    assert kinds == {"training": 2, "evaluation": 4, "attention": 1}


def test_too_few_items_are_refused_with_the_number_that_is_needed(build):
    with pytest.raises(
        ValueError, match=r"(?s)evaluation: 12 items with answer 0 needed, 6 of .*answer 1 needed, 6 of "
    ):
        build(own={"training": 2, "evaluation": 8, "design": "within", "participants": 3})


def test_missing_maps_are_named(build):
    with pytest.raises(
        ValueError, match="no maps of smoothgrad in every file of items; there are: none, oracle, grad_cam"
    ):
        build(own=SMALL | {"conditions": ["none", "smoothgrad"]})


def test_maps_that_cannot_be_shown_are_refused(tmp_path):
    for value, place, told in (
        (np.nan, 1, "by oracle holds entries that are no finite"),
        (1, 0, "by none is not all zero"),
    ):
        arrays = study_items.arrays(TASKS[0])
        arrays["map"][:, place, 0, 0, 0] = value
        study_items.artifacts.write(tmp_path / "items.h5", study_items.artifacts.ITEMS, arrays, {})
        with pytest.raises(ValueError, match=told):
            building.build([tmp_path / "items.h5"], tmp_path / "study", settings.complete(SMALL))
    assert not (tmp_path / "study").exists()


def test_files_that_do_not_go_together_or_are_wrong_in_themselves_are_refused(tmp_path):
    one, other = (study_items.write(tmp_path / f"{task}.h5", task) for task in TASKS)
    with pytest.raises(ValueError, match="a study has one task"):
        item_files.read([one, other])
    with pytest.raises(ValueError, match="no file of items"):
        item_files.read([])
    for name, value, told in (("answer", 2, "answers .2.; wanted"), ("image", 0, "no image in both")):
        arrays = study_items.arrays(TASKS[0])
        arrays[name][:] = value
        study_items.artifacts.write(tmp_path / "wrong.h5", study_items.artifacts.ITEMS, arrays, {})
        with pytest.raises(ValueError, match=told):
            item_files.read([tmp_path / "wrong.h5"])
    with pytest.raises(ValueError, match="of 2 named classes"):
        item_files.read([one], ["cat", "dog"])


def test_a_folder_with_other_things_is_left_alone_and_an_earlier_study_replaced(build, tmp_path):
    _, folder = build()
    (folder / "pictures" / "left.png").write_bytes(b"")
    build()
    assert not (folder / "pictures" / "left.png").exists()
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    with pytest.raises(ValueError, match="holds something else than a study"):
        build(folder="thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("own", "told"),
    [
        ({"trainning": 4}, "did you mean 'training'"),
        ({"evaluation": 3}, "evaluation: 3 is not a multiple of 2"),
        ({"access": ["never"]}, "access.0: 'never' is not one of"),
        ({"texts": {"hello": "x"}}, "texts: unknown 'hello'"),
        (
            {"comprehension": {"questions": [{"question": "?", "answers": ["a", "b"], "right": 2}]}},
            "right is 2, of 2 answers",
        ),
        ({"questionnaire": {"statements": ["a"], "map_statements": ["a"]}}, "'a' is there twice"),
        ({"training": 2, "evaluation": 4, "catch_trials": 6}, "fewer than the 6 other trials"),
        ({"training": 0, "access": ["training"]}, "maps are to be shown in training alone"),
        ([1], "is not of type 'object'"),
    ],
)
def test_wrong_settings_are_told_as_sentences(own, told):
    with pytest.raises(ValueError, match=told):
        settings.complete(own)


def test_the_commands_say_what_is_wrong_in_a_line(tmp_path, capsys):
    assert main(["study-build", "--output", str(tmp_path / "study")]) == 1
    assert main(["study-serve", str(tmp_path), "--data", str(tmp_path / "data")]) == 1
    assert main(["study-export", str(tmp_path), "--output", str(tmp_path / "logs")]) == 1
    assert capsys.readouterr().err.count("error: ") == 3


def test_the_settings_of_the_study_are_told_in_the_docs():
    assert settings_table(settings.SCHEMA) in (ROOT / "docs/study.md").read_text()


def test_the_bundled_library_is_the_one_that_is_pinned():
    wanted = json.loads((ROOT / "study/package.json").read_text())["dependencies"]["jspsych"]
    lock = json.loads((ROOT / "study/package-lock.json").read_text())["packages"]
    assert lock["node_modules/jspsych"]["version"] == wanted
    assert f'"{wanted}"' in (ROOT / "study/vendor/jspsych.js").read_text()
    installed = ROOT / "study/node_modules/jspsych/dist/index.browser.min.js"
    assert not installed.exists() or installed.read_bytes() == (ROOT / "study/vendor/jspsych.js").read_bytes()


def luminance(colour):
    """Relative luminance of "#rrggbb" (WCAG 2.2)."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def test_every_text_stands_out_from_what_is_behind_it():
    """A contrast of 4.5 for text (WCAG 2.2, level AA), on paper and on the tint of buttons."""
    style = (ROOT / "study/pages/style.css").read_text()
    colours = dict(re.findall(r"--(\w+): (#\w{6})", style))
    pairs = [(name, behind) for name in ("text", "soft", "wrong", "right", "warn") for behind in ("paper", "tint")]
    for text, behind in [*pairs, ("paper", "main"), ("paper", "text")]:
        light, dark = sorted((luminance(colours[text]), luminance(colours[behind])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, behind)


def test_the_pages_load_nothing_from_elsewhere():
    for path in (ROOT / "study/pages").iterdir():
        assert "http" not in path.read_text(), path


def test_settings_are_read_from_a_file(tmp_path, capsys):
    path = study_items.write(tmp_path / "items.h5", TASKS[1])
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(SMALL | {"title": "Mine"}))
    words = ["study-build", str(path), "--output", str(tmp_path / "study"), "--settings", str(tmp_path / "study.yaml")]
    assert main(words) == 0
    assert "counterfactual_simulation, 3 conditions, 6 plans" in capsys.readouterr().out
    assert pages.read(tmp_path / "study")["title"] == "Mine"
