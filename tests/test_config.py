"""One schema checks the settings and describes them; what is wrong is said before any job starts."""

import copy
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import __main__, config, design, roar_design
from saliency_benchmark.settings_table import settings_table

ROOT = Path(__file__).parent.parent
TINY = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())


def changed(**parts):
    return copy.deepcopy(TINY) | parts


# tests/test_experiments.py has those of experiments/.
@pytest.mark.parametrize("path", [ROOT / "config.yaml", ROOT / "tests" / "settings.yaml"])
def test_the_shipped_settings_are_valid(path):
    config.complete(yaml.safe_load(path.read_text()))


def test_the_readme_shows_the_settings_as_they_are():
    assert settings_table() in (ROOT / "README.md").read_text()


def test_every_setting_is_described():
    def settings(part):
        for name, inner in part.get("properties", {}).items():
            yield name, inner
            yield from settings(inner)

    missing = [name for name, part in settings(config.SCHEMA) if "description" not in part]
    assert not missing


def test_defaults_are_filled_in_at_every_depth():
    full = config.complete(TINY)
    assert full["training"] == {"optimiser": "sgd", "epochs": 1,
                                "batch_size": 20, "learning_rate": 0.1, "warmup": 0.2, "momentum": 0.9,
                                "weight_decay": 0.0005, "flip": False, "schedule": "cosine", "nesterov": True,
                                "validation": 0, "selection": "last", "temperature": False, "factor": 0.1,
                                "crop": 0, "checkpoint": 60}  # fmt: skip
    assert full["methods"]["gradient"] == {"options": {}}
    assert (full["roar"]["fill"], full["roar"]["unit"]) == (["mean"], ["pixel"])
    assert full["explain"] == {"target": "prediction", "output": "logit", "background": 64, "together": {}}


def test_one_fill_or_unit_is_a_list_of_one():
    one, several = ({"fill": "blur", "unit": "pixel"}, {"fill": ["blur"], "unit": ["pixel"]})
    assert config.complete(changed(roar=one)) == config.complete(changed(roar=several))


@pytest.mark.parametrize(
    ("fractions", "levels"), [([0.7, 0.29, 0.01], "percent"), ([0.5, 0.125], [0.125, 0.5]), ([0.005], [0.005])]
)
def test_masks_tell_all_whole_percents_or_the_fractions_of_the_run(fractions, levels):
    assert roar_design.levels(config.complete(changed(roar={"fractions": fractions}))) == levels


def test_masks_tell_the_fractions_of_every_stage():
    fractions = {"fractions": [0.5], "leakage": [0.125], "recursive": {"fractions": [1 / 3]}}
    assert roar_design.levels(config.complete(changed(roar=fractions))) == [0.125, 1 / 3, 0.5]


@pytest.mark.parametrize(("size", "number", "bundles", "jobs"), [
    (1, 3, {}, {"leak": ("{method}/repeat-{repeat}", (), ())}),
    (2, 1, {}, {"leak": ("{method}/repeat-{repeat}", (), ())}),
    (3, 3, {}, {"leak_repeat_0_to_2": ("{method}/repeat-0-to-2", (), ("0", "1", "2"))}),
    (2, 3, {}, {"leak_repeat_0_to_1": ("{method}/repeat-0-to-1", (), ("0", "1")),
                "leak_repeat_2": ("{method}/repeat-2", (), ("2",))}),
    (1, 3, {"b": ["x", "y"]}, {"leak_b": ("b/repeat-{repeat}", ("x", "y"), ()),
                               "leak": ("{method}/repeat-{repeat}", (), ())}),
    (5, 3, {"b": ["x", "y"]}, {"leak_b_repeat_0_to_2": ("b/repeat-0-to-2", ("x", "y"), ("0", "1", "2")),
                               "leak_repeat_0_to_2": ("{method}/repeat-0-to-2", (), ("0", "1", "2"))}),
])  # fmt: skip
def test_retrainings_are_cut_into_jobs_as_the_settings_say(size, number, bundles, jobs):
    found = roar_design.jobs({"roar": {"repeats_per_job": size}}, "leak", number, bundles)
    assert found == {name: roar_design.Job(*told) for name, told in jobs.items()}


def test_steps_are_bundled_as_far_as_they_are_asked_for():
    bundles = {"a": ["x", "y"], "b": ["z", "u"], "c": ["v", "w"]}
    told = {"methods": {label: {} for label in "xyzuvw"}, "roar": {"bundles": bundles}}
    assert roar_design.recursive_bundles(told) == bundles
    told["roar"]["recursive"] = {"methods": ["w", "y", "v"]}
    assert roar_design.recursive_bundles(told) == {"a": ["y"], "c": ["v", "w"]}


def test_filling_in_twice_changes_nothing_and_the_original_stays():
    before = copy.deepcopy(TINY)
    full = config.complete(TINY)
    assert before == TINY
    assert config.complete(full) == full


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"metod": {}}, "unknown 'metod' (did you mean 'methods'?)"),
        ({"roar": {"fraction": [0.5]}}, "roar: unknown 'fraction' (did you mean 'fractions'?)"),
        ({"roar": {"fractions": [0]}}, "roar.fractions.0 is 0; wanted: between 0 and 1, which join by themselves"),
        ({"roar": {"fractions": [0.5, 1]}}, "roar.fractions.1 is 1; wanted: between 0 and 1"),
        ({"roar": {"fractions": [0.5, 0.5]}}, "non-unique"),
        (
            {"roar": {"fill": "grey"}},
            "roar.fill is ['grey']; wanted: ['mean', 'image_mean', 'black', 'blur', 'linear'] or",
        ),
        ({"roar": {"unit": ["pixel", "pixel"]}}, "wanted: ['pixel', 'element'] or a list of them, each once"),
        ({"roar": {"orders": ["least"]}}, "'least' is not one of ['remove', 'remove_least', 'keep']"),
        ({"roar": {"methods": ["gradiant"]}}, "roar.methods names 'gradiant' (did you mean 'gradient'?)"),
        ({"roar": {"bundles": {"ends": ["gradient", "random"]}}}, "roar.bundles.ends: rules of other retrainings are"),
        ({"roar": {"repeats": 3, "baselines": 2}}, "roar.baselines is 2; wanted: at least 3, as the curves of"),
        ({"roar": {"bundles": {"b": ["gradient", "gradiant"]}}}, "roar.bundles.b names 'gradiant' (did you mean"),
        (
            {"roar": {"bundles": {"b": ["gradient", "random"], "c": ["random", "gradient"]}}},
            "roar.bundles.c: random is in b already; a method is in one bundle",
        ),
        (
            {"roar": {"methods": ["gradient"], "bundles": {"b": ["gradient", "random"]}}},
            "roar.bundles.b: random is not retrained for on",
        ),
        ({"training": {"epochs": 0}}, "training.epochs: 0 is less than the minimum of 1"),
        ({"training": {"epochs": "ten"}}, "training.epochs: 'ten' is not of type 'integer'"),
        ({"seeds": []}, "seeds: [] should be non-empty"),
        ({"methods": {"gradcam": {}, "random": {}}}, "no 'gradcam' in methods/ (did you mean 'grad_cam'?)"),
        ({"methods": {"gradient": {"options": {"sample": 3}}, "random": {}}}, "gradient.py takes no 'sample'"),
        (
            {"methods": {"smoothgrad": {"options": {"sample": 3}}, "random": {}}},
            "takes no 'sample' (did you mean 'samples'?); it takes: base, base_options, noise, samples, seed",
        ),
        ({"datasets": {"m": {"file": "mnist"}}}, "datasets.m.options: mnist.py wants 'root', which has no default"),
        (
            {"datasets": {"m": {"file": "mnist", "options": {"root": "/nowhere"}}}},
            "datasets.m.options.root: there is no folder '/nowhere'",
        ),
        ({"methods": {"a": {"call": "nowhere:f"}, "random": {}}}, "module 'nowhere' cannot be imported"),
        ({"methods": {"a": {"call": "json:attribute"}, "random": {}}}, "has no function 'attribute'"),
        ({"methods": {"smoothgrad": {"options": {"base": "gradcam"}}, "random": {}}}, "(did you mean 'grad_cam'?)"),
        (
            {
                "methods": {
                    "smoothgrad": {"options": {"base": "integrated_gradients", "base_options": {"step": 3}}},
                    "random": {},
                }
            },
            "smoothgrad.options.base_options: integrated_gradients.py takes no 'step' (did you mean 'steps'?)",
        ),
        ({"methods": {"a": {"file": "random", "call": "json:f"}, "random": {}}}, "both `file` and `call`"),
        ({"methods": {"../x": {"file": "random"}, "random": {}}}, "'../x' does not match"),
        ({"groups": {"mine": ["gradient", "nobody"]}}, "groups.mine names 'nobody'"),
        ({"groups": {"all": ["gradient", "random"]}}, "groups.all: this name is taken"),
        ({"datasets": {"fashion": {"file": "fashion_mnist", "recipes": ["basline"]}}}, "(did you mean 'baseline'?)"),
        ({"datasets": {"fashion": {"file": "fashion_mnist", "training": {"epoch": 3}}}}, "(did you mean 'epochs'?)"),
        (
            {"datasets": {"fashion": {"file": "fashion_mnist"}}},
            "pointing_game needs regions, and no data set here has any",
        ),
        ({"metrics": {"dauc": {"probe": "nothing"}}}, "reads the probe 'nothing', which is not in `probes`"),
        ({"metrics": {}}, "metrics: {} should be non-empty"),
        (
            {"recipes": {"all": {"file": "composed", "options": {"parts": ["fp", "lf"]}}}},
            "recipes.all.options.parts: no 'lf'; there are: fp, ap, fl",
        ),
        (
            {"recipes": {"all": {"file": "composed", "options": {"weights": {"clear": 1}}}}},
            "recipes.all.options.weights: no 'clear' (did you mean 'clean'?); there are: clean, masked",
        ),
        ({"recipes": {"all": {"file": "composed", "options": {"fill": "red"}}}}, "options.fill: no 'red'"),
        ({"recipes": {"all": {"file": "composed", "options": {"saliency": "gradcam"}}}}, "did you mean 'grad_cam'?"),
        ({"recipes": {"all": {"file": "composed", "options": {"saliency": "oracle"}}}}, "oracle needs regions"),
        (
            {"training": {"selection": "calibrated"}},
            "training.selection is calibrated, and no images of fashion are set aside for validation",
        ),
        ({"training": {"patience": 3}}, "training.patience is 3, and no images of planted"),
        ({"training": {"temperature": True}}, "set training.validation, for instance to 0.1"),
        ({"training": {"schedule": "linear"}}, "'linear' is not one of ['cosine', 'constant', 'steps']"),
        ({"training": {"schedule": "steps"}}, "of fashion is steps, without training.milestones"),
        ({"training": {"milestones": [1]}}, "are [1], and training.schedule is cosine; wanted: steps"),
        (
            {"training": {"epochs": 4, "schedule": "steps", "milestones": [2, 4]}},
            "training.milestones of fashion are [2, 4], and it is trained for 4 epochs",
        ),
        ({"explain": {"target": "logit"}}, "is 'logit'; wanted: ['prediction', 'label'] or integer of at least 0"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(parts, message):
    with pytest.raises(ValueError) as error:
        config.complete(changed(**parts))
    assert message in str(error.value)


def test_a_missing_part_is_named():
    with pytest.raises(ValueError, match="'methods' is a required property"):
        config.complete({key: value for key, value in TINY.items() if key != "methods"})


def test_all_mistakes_are_told_at_once():
    with pytest.raises(ValueError) as error:
        config.complete(changed(training={"epochs": 0}, seeds=[-1]))
    assert "training.epochs" in str(error.value)
    assert "seeds.0" in str(error.value)


def test_a_method_in_no_group_is_refused_until_a_group_names_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "def attribute(model, images, targets):\n    return images\n"
    (tmp_path / "lonely.py").write_text(code)
    methods = TINY["methods"] | {"lonely": {"call": "lonely:attribute"}}
    with pytest.raises(ValueError, match=r"methods.lonely is in no group"):
        config.complete(changed(methods=methods))
    full = config.complete(changed(methods=methods, groups={"mine": ["lonely", "gradient"]}))
    assert design.groups(full, "fashion")["mine"] == ["gradient", "lonely"]


def test_the_oracle_explains_only_where_regions_are():
    full = config.complete(TINY)
    assert "oracle" not in design.methods(full, "fashion")
    assert "oracle" in design.methods(full, "planted")
    assert design.metrics(full, "fashion") == ["dauc", "dc"]


def test_a_recipe_may_have_seeds_of_its_own():
    recipes = {"baseline": {}, "perturbed": {"file": "faithfulness_perturbation", "seeds": [7]}}
    rows = design.trained(config.complete(changed(recipes=recipes, seeds=[0, 1])))
    found = [(row["recipe"], row["seed"]) for row in rows if row["dataset"] == "fashion"]
    assert found == [("baseline", 0), ("baseline", 1), ("perturbed", 7)]


def test_validation_images_of_one_data_set_are_enough_for_it_alone():
    datasets = copy.deepcopy(TINY["datasets"])
    datasets["fashion"]["training"] = {"validation": 0.2, "temperature": True}
    full = config.complete(changed(datasets=datasets))
    assert design.training(full, "fashion", "small_cnn") == full["training"] | {"validation": 0.2, "temperature": True}
    assert design.training(full, "planted", "small_cnn") == full["training"]


def test_training_settings_of_a_model_come_before_those_of_the_data_set():
    datasets, models = copy.deepcopy(TINY["datasets"]), copy.deepcopy(TINY["models"])
    datasets["fashion"]["training"] = {"learning_rate": 0.3, "epochs": 7}
    models["small_cnn"] = models["small_cnn"] | {"training": {"optimiser": "adamw", "learning_rate": 0.002}}
    full = config.complete(changed(datasets=datasets, models=models))
    own = {"optimiser": "adamw", "learning_rate": 0.002}
    assert design.training(full, "fashion", "small_cnn") == full["training"] | {"epochs": 7} | own
    assert design.training(full, "planted", "small_cnn") == full["training"] | own


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_a_misspelt_training_setting_is_named_where_it_stands(kind):
    entries = copy.deepcopy(TINY[kind])
    name = next(iter(entries))
    entries[name] = (entries[name] or {}) | {"training": {"optimizer": "adamw"}}
    with pytest.raises(ValueError, match=f"{kind}.{name}.training: .*optimizer.*did you mean 'optimiser'"):
        config.complete(changed(**{kind: entries}))


def test_controls_are_in_no_group_of_explanations():
    groups = design.groups(config.complete(TINY), "planted")
    assert groups["all"] == ["gradient", "smoothgrad_3", "grad_cam"]
    assert groups["all+controls"] == ["gradient", "smoothgrad_3", "grad_cam", "random", "oracle"]
    assert groups["controls"] == ["random", "oracle"]


def test_the_commands_print_the_table_check_a_file_and_name_mistakes(tmp_path, capsys):
    assert __main__.main(["settings"]) == 0
    assert capsys.readouterr().out == settings_table()
    assert __main__.main(["check", str(ROOT / "config.yaml")]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["agreement"]["confidence"] == 0.99
    (tmp_path / "bad.yaml").write_text("methods: {}\n")
    assert __main__.main(["check", str(tmp_path / "bad.yaml")]) == 1
    assert "'datasets' is a required property" in capsys.readouterr().err


def test_an_entry_with_nothing_behind_its_name_is_an_entry_without_options():
    spoken = changed(methods={"gradient": None, "random": None}, roar=None)
    assert config.complete(spoken) == config.complete(changed(methods={"gradient": {}, "random": {}}, roar={}))


def test_numbers_that_came_as_text_are_numbers():
    spoken = config.complete(
        changed(seeds=["0", "1"], training={"epochs": "2", "learning_rate": "0.05", "flip": "True"})
    )
    assert spoken["seeds"] == [0, 1]
    assert (spoken["training"]["epochs"], spoken["training"]["learning_rate"]) == (2, 0.05)
    assert spoken["training"]["flip"] is True
    with pytest.raises(ValueError, match="'many' is not of type 'integer'"):
        config.complete(changed(training={"epochs": "many"}))


@pytest.mark.parametrize("nonsense", [{}, {"methods": []}, {"datasets": {1: {}}}, {"seeds": {"a": 1}}, {"roar": [1]}])
def test_nonsense_is_told_and_never_a_crash(nonsense):
    with pytest.raises(ValueError, match="the settings cannot be used"):
        config.complete(nonsense if not nonsense else changed(**nonsense))


def test_a_second_group_of_methods_is_told_of_where_it_has_two_members():
    methods = {"gradient": {}, "smoothgrad": {}, "rise": {}, "score_cam": {}, "random": {}}
    groups = design.groups(config.complete(changed(methods=methods)), "fashion")
    assert groups["recent"] == ["smoothgrad", "rise", "score_cam"]
    assert groups["perturbation"] == ["rise"]
    del methods["rise"], methods["score_cam"]
    assert "recent" not in design.groups(config.complete(changed(methods=methods)), "fashion")


def test_a_baseline_that_is_no_recipe_and_a_backend_that_is_not_installed_are_told(monkeypatch):
    with pytest.raises(ValueError, match=r"agreement.baseline names 'basline' \(did you mean 'baseline'\?\)"):
        config.complete(changed(agreement={"baseline": "basline"}))
    monkeypatch.setattr("saliency_benchmark.checks.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"scoring.backend is openvino, which is not installed: pip install"):
        config.complete(changed(scoring={"backend": "openvino"}))
