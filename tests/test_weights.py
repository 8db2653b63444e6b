"""Files of weights: what is in them counts, and what does not fit is told by name."""

import json
import logging
from collections import Counter

import numpy as np
import pytest
import torch
import yaml
from torch import nn

from saliency_benchmark import artifacts, classifier, fitting, training, weights
from saliency_benchmark.resizing import Resized
from tests.snakes import ROOT, copy_project, jobs, snakemake

IMAGES = np.random.default_rng(0).integers(0, 256, (24, 1, 8, 8), dtype=np.uint8)
LABELS = np.arange(24, dtype=np.int32) % 2


def network(seed=0, classes=2, channels=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Conv2d(channels, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(3, classes))


def small(classes):
    """A factory: the same layers from the seed of the run."""
    layers = [nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(3, classes))


def same(one, other):
    return all(torch.equal(value, other.state_dict()[name]) for name, value in one.state_dict().items())


def safetensors(state, path):
    """The format by hand: length of the header, header, values."""
    header, values = {"__metadata__": {"format": "pt"}}, b""
    names = {torch.float32: "F32", torch.int64: "I64", torch.float16: "F16", torch.bool: "BOOL"}
    for name, value in state.items():
        data = value.contiguous().numpy().tobytes()
        place = [len(values), len(values) + len(data)]
        header[name] = {"dtype": names[value.dtype], "shape": list(value.shape), "data_offsets": place}
        values += data
    told = json.dumps(header).encode()
    path.write_bytes(len(told).to_bytes(8, "little") + told + values)


@pytest.mark.parametrize("nest", [None, "state_dict", "model", "model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_weights_are_found_where_training_scripts_put_them(nest, prefix, tmp_path):
    source, target = network(1), network(2)
    state = {f"{prefix}{name}": value for name, value in source.state_dict().items()}
    torch.save({nest: state, "epoch": 3} if nest else state, tmp_path / "w.pth")
    weights.put(tmp_path / "w.pth", target)
    assert same(source, target)


def test_safetensors_are_read_without_their_package(tmp_path):
    source, target = network(1), Resized(network(2), (8, 8))
    safetensors(source.state_dict(), tmp_path / "w.safetensors")
    weights.put(tmp_path / "w.safetensors", target)
    assert same(source, target.network)
    state = {"a": torch.arange(6, dtype=torch.float16).reshape(2, 3), "b": torch.tensor(True), "c": torch.zeros(0, 4)}
    safetensors(state, tmp_path / "more.safetensors")
    found = weights.read(tmp_path / "more.safetensors")
    assert all(torch.equal(found[name], value) and found[name].dtype == value.dtype for name, value in state.items())


class Opens:
    """A pickle that would open a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_file_of_weights_cannot_run_code(tmp_path):
    torch.save({"a": Opens(tmp_path / "trace")}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=r"w\.pt is no file of weights; wanted: torch\.save\(network\.state_dict\(\)"):
        weights.read(tmp_path / "w.pt")
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize(
    ("held", "message"),
    [
        ({"epoch": 3, "loss": 0.5}, r"is no file of weights; .* \(it holds: epoch, loss\)"),
        ({}, r"it holds: nothing"),
        ({0: torch.zeros(2)}, r"it holds: 0"),
        (3, r"it holds: int"),
        ([torch.zeros(2)], "is no file of weights"),
        (network(), "is no file of weights"),
    ],
)
def test_what_is_no_state_dict_is_refused(held, message, tmp_path):
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(ValueError, match=message):
        weights.read(tmp_path / "w.pt")


@pytest.mark.parametrize("name", ["w.pt", "w.safetensors"])
@pytest.mark.parametrize("content", [b"", b"nonsense that is longer than a header", b"\x05\0\0\0\0\0\0\0[1]  "])
def test_a_broken_or_missing_file_is_refused(name, content, tmp_path):
    with pytest.raises(ValueError, match="there is no file"):
        weights.read(tmp_path / name)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="is no file of weights"):
        weights.read(tmp_path / name)


def test_what_does_not_fit_is_told_by_name_and_nothing_is_loaded(tmp_path):
    state = network(1, channels=3).state_dict()
    state["extra"] = state.pop("4.bias")
    torch.save(state, tmp_path / "w.pt")
    target = network(2)
    with pytest.raises(ValueError, match=r"it lacks 4\.bias; the network has no extra; of another shape 0\.weight "
                                         r"3x3x3x3, network 3x1x3x3\. Is the file of this model"):  # fmt: skip
        weights.put(tmp_path / "w.pt", target, 2)
    assert same(target, network(2))


def test_old_files_that_do_not_count_batches_are_taken(tmp_path):
    state = network(1).state_dict()
    del state["1.num_batches_tracked"]
    torch.save(state, tmp_path / "w.pt")
    target = network(2)
    weights.put(tmp_path / "w.pt", target)
    assert same(target, network(1))


def test_a_last_layer_for_other_classes_stays_random_where_it_is_trained_and_that_is_logged(tmp_path, caplog):
    torch.save(network(1, classes=7).state_dict(), tmp_path / "w.pt")
    target = network(2)
    with pytest.raises(ValueError, match=r"of another shape 4\.bias 7, network 2, 4\.weight 7x3, network 2x3"):
        weights.put(tmp_path / "w.pt", target)
    with caplog.at_level(logging.INFO):
        weights.put(tmp_path / "w.pt", target, 2)
    assert "w.pt: 4.bias, 4.weight left random, since the classes differ" in caplog.text
    assert torch.equal(target[0].weight, network(1)[0].weight)
    assert torch.equal(target[4].weight, network(2)[4].weight)


@pytest.fixture
def model(tmp_path, settings, baseline):
    """model(train, seed): a classifier from a file of weights."""

    def obtain(path=tmp_path / "w.pt", *, train, seed=0, labels=LABELS):
        entry = {"call": f"{__name__}:small", "options": {}, "weights": str(path), "train": train}
        told = fitting.description(entry, "mine", IMAGES, labels)
        quick = settings | {"epochs": 1, "batch_size": 8}
        return (*fitting.obtain(IMAGES, labels, told, baseline, seed, quick, path=path, train=train), told)

    torch.save(network(1).state_dict(), tmp_path / "w.pt")
    return obtain


def test_without_training_the_weights_stay_as_they_are(model):
    source, course, _ = model(train=False)
    assert same(source.classifier.network, network(1))
    assert course.curves["loss"].shape == (0,)
    assert not any(module.training for module in source.classifier.network.modules())
    assert not any(parameter.requires_grad for parameter in source.classifier.network.parameters())
    assert training.accuracy(source) >= 0


def test_one_class_of_images_is_enough_where_nothing_is_trained(model):
    assert model(train=False, labels=np.ones(24, np.int32))[2]["classes"] == 2
    with pytest.raises(ValueError, match="have 1 class; wanted: at least 2"):
        model(train=True, labels=np.ones(24, np.int32))


def test_training_goes_on_from_the_weights(model, settings, baseline):
    source, course, _ = model(train=True)
    by_hand = fitting.source_of(source.classifier, IMAGES, LABELS)
    by_hand.classifier.network = network(1)
    expected = training.train(by_hand, baseline, seed=0, **settings | {"epochs": 1, "batch_size": 8})
    assert np.allclose(course.curves["loss"], expected, atol=1e-5)


def test_the_path_of_the_weights_is_in_no_stored_model_and_remove_and_retrain_does_not_see_them(model):
    told = model(train=False)[2]
    assert "w.pt" not in json.dumps(told)
    begun = fitting.untrained(told, IMAGES, 0).network
    assert not torch.equal(begun[0].weight, network(1)[0].weight)


@pytest.mark.parametrize("size", [None, [8, 8]])
def test_a_training_goes_on_from_a_model_of_this_workflow(tmp_path, size, settings, baseline):
    entry = {"file": "small_cnn", "options": {"width": 2}} | ({"size": size} if size else {})
    data = np.random.default_rng(0).integers(0, 256, (30, 3, 12, 12), dtype=np.uint8)
    labels, more = (np.arange(30) % classes for classes in (3, 5))
    quick = settings | {"epochs": 1, "batch_size": 10}
    told = fitting.description(entry, "mine", data, labels)
    source, course = fitting.obtain(data, labels, told, baseline, 0, quick)
    classifier.save(tmp_path / "model.h5", source.classifier, told, course.curves, {})
    trained = source.classifier.network.state_dict()
    # Other images and five classes: the last layer is random, all else is what was learned before.
    other = fitting.description(entry, "mine", data, more)
    begun = fitting.obtain(data, more, other, baseline, 0, quick | {"learning_rate": 1e-30}, path=tmp_path / "model.h5")
    found = begun[0].classifier.network.state_dict()
    same = {
        name for name in found if found[name].shape == trained[name].shape and torch.equal(found[name], trained[name])
    }
    learned = {name for name in found if name.endswith("weight") and "classify" not in name}
    assert learned <= same
    assert not {name for name in same if "classify" in name}
    # As it is: the same logits, also where these images have another mean.
    dark = data // 2
    kept, none = fitting.obtain(dark, labels, told, baseline, 0, quick, path=tmp_path / "model.h5", train=False)
    assert none.curves["loss"].shape == (0,)
    assert torch.equal(kept.classifier.mean, source.classifier.mean)
    assert torch.allclose(training.logits(kept), training.logits(fitting.source_of(source.classifier, dark, labels)))


@pytest.mark.workflow
def test_what_a_file_of_weights_holds_makes_a_model_out_of_date_and_where_it_lies_does_not(tmp_path):
    project, folder = copy_project(tmp_path / "project"), tmp_path / "run"
    folder.mkdir()
    layers = "nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, classes)"
    factory = f"    @classmethod\n    def of(cls, classes):\n        return nn.Sequential({layers})\n"
    code = f"from torch import nn\n\n\nclass Nets:\n{factory}"
    (folder / "mine.py").write_text(code)
    end = "results/fashion/mine/baseline/seed-0/roar/mean/ends/repeat-0.csv"

    def words(path):
        entry = {"call": "mine:Nets.of", "weights": str(path), "train": False}
        settings = yaml.safe_load((ROOT / "tests" / "settings.yaml").read_text())
        settings["models"]["mine"] = entry
        settings["datasets"]["planted"]["models"] = ["small_cnn"]
        (tmp_path / "settings.yaml").write_text(yaml.safe_dump(settings))
        return ["results/fashion/mine/baseline/seed-0/model.h5", end, "--configfile", tmp_path / "settings.yaml"]

    path = tmp_path / "w.pt"
    torch.save(network(1, classes=10).state_dict(), path)
    snakemake(project, folder, *words(path))
    stored = artifacts.read(folder / "results/fashion/mine/baseline/seed-0/model.h5", artifacts.MODEL)
    assert np.array_equal(stored["weights.0.weight"], network(1)[0].weight.detach())
    assert jobs(project, folder, *words(path)) == Counter()
    path = path.rename(tmp_path / "moved.pt")
    assert jobs(project, folder, *words(path)) == Counter()
    torch.save(network(2, classes=10).state_dict(), path)
    # Remove and retrain begins at random: its ends do not see the weights.
    assert jobs(project, folder, *words(path)) == Counter(train=1)
    path.unlink()
    told = snakemake(project, folder, "--dry-run", *words(path), check=False)
    assert f"models.mine.weights: there is no file '{path}'" in told.stdout + told.stderr
