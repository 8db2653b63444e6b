"""A training that was killed goes on from its checkpoint, and ends with the same bytes as one that was not."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import checkpoints, curve_ends, fitting, leakage, masking, retraining, training
from saliency_benchmark.checkpoints import Checkpoint
from saliency_benchmark.classifier import Classifier
from saliency_benchmark.selection import Watch
from saliency_benchmark.training import Source

ROOT = Path(__file__).parent.parent
ORIGIN = {"rule": "train", "settings": {"epochs": 7}, "inputs": {"images": ["a"]}}


class Killed(Exception):
    pass


def kill():
    raise Killed


class Small(nn.Module):
    """Batch norm, dropout, and a buffer that no state dict holds."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.3))
        self.head = nn.Linear(4 * 4 * 5, 3)
        self.register_buffer("calls", torch.zeros(()), persistent=False)

    def forward(self, images):
        self.calls += 1
        return self.head(self.body(images)) + 0.001 * self.calls


def noisy(network, inputs, labels, *, generator):
    """Cross entropy on noisy images: a recipe that draws."""
    noise = torch.randn(inputs.shape, generator=generator)
    return nn.functional.cross_entropy(network(inputs + 0.1 * noise), labels)


def sources(number=30):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Classifier(Small(), torch.full((2,), 0.5), torch.full((2,), 0.25), "body.2")
    data = torch.randint(0, 256, (number + 12, 2, 6, 7), generator=torch.Generator().manual_seed(1)).byte()
    labels = torch.arange(number + 12) % 3
    return Source(model, data[:number], labels[:number]), Source(model, data[number:], labels[number:])


def everything(network, curve, watch):
    """All that a training leaves, as bytes."""
    tensors = [*network.parameters(), *network.buffers()]
    return b"".join(each.detach().numpy().tobytes() for each in tensors) + curve.tobytes() + repr(
        [watch.accuracy, watch.ece, watch.restore()]
    ).encode()  # fmt: skip


def fit(settings, saved=None, killed_at=None, by=kill, **more):
    """A whole training, or one that is killed in the middle of an epoch (counted from 1)."""
    source, aside = sources()
    watch = Watch(aside, 7, patience=more.pop("patience", None), keep=True)
    steps = iter(range(10**6))

    def loss(network, inputs, labels, *, generator):
        if killed_at and next(steps) == 6 * (killed_at - 1) + 2:
            by()
        return noisy(network, inputs, labels, generator=generator)

    how = settings | {"epochs": 7, "batch_size": 5, "flip": True, "crop": 1} | more
    curve = training.train(source, loss, seed=0, watch=watch, saved=saved, **how)
    return everything(source.classifier.network, curve, watch)


@pytest.mark.parametrize("epoch", [1, 2, 4, 7])
@pytest.mark.parametrize(
    "more", [{"nesterov": True}, {"nesterov": False}, {"optimiser": "adamw", "learning_rate": 0.01}]
)
def test_a_killed_training_ends_with_the_bytes_of_one_that_was_not(epoch, more, settings, tmp_path):
    path = tmp_path / "model.h5"
    with pytest.raises(Killed), Checkpoint(path, ORIGIN, 0) as saved:
        fit(settings, saved, killed_at=epoch, **more)
    assert [each.name for each in tmp_path.iterdir()] == ([".model.h5.checkpoint"] if epoch > 1 else [])
    torch.rand(3)  # chance elsewhere
    with Checkpoint(path, ORIGIN, 0) as saved:
        again = fit(settings, saved, **more)
    assert again == fit(settings, **more)
    assert not list(tmp_path.iterdir())


def test_one_that_is_killed_at_every_epoch_ends_the_same_too(settings, tmp_path):
    for left in range(7, 1, -1):
        with pytest.raises(Killed), Checkpoint(tmp_path / "model.h5", ORIGIN, 0) as saved:
            fit(settings, saved, killed_at=2)  # of those that are left: the first is done, the second is not
        found = torch.load(tmp_path / ".model.h5.checkpoint", weights_only=True)
        assert len(found["state"]["curve"]) == 8 - left
    assert fit(settings, Checkpoint(tmp_path / "model.h5", ORIGIN, 0)) == fit(settings)


def test_a_training_that_stops_early_stops_at_the_same_epoch(settings, tmp_path):
    more = {"patience": 2, "learning_rate": 1e-6}
    with pytest.raises(Killed), Checkpoint(tmp_path / "model.h5", ORIGIN, 0) as saved:
        fit(settings, saved, killed_at=2, **more)
    assert fit(settings, Checkpoint(tmp_path / "model.h5", ORIGIN, 0), **more) == fit(settings, **more)


def half(path, settings):
    """A checkpoint after the third epoch, beside PATH."""
    with pytest.raises(Killed), Checkpoint(path, ORIGIN, 0) as saved:
        fit(settings, saved, killed_at=4)
    return path.with_name(f".{path.name}.checkpoint")


@pytest.mark.parametrize(
    "other",
    [
        ORIGIN | {"settings": {"epochs": 8}},
        ORIGIN | {"settings": {"epochs": 7, "code": "1"}},
        ORIGIN | {"inputs": {"images": ["b"]}},
    ],
)
def test_a_checkpoint_of_another_setting_code_or_input_is_removed_with_a_word(other, settings, tmp_path, caplog):
    place = half(tmp_path / "model.h5", settings)
    with caplog.at_level("INFO"):
        saved = Checkpoint(tmp_path / "model.h5", other, 0)
    assert saved.resume() is None
    assert not place.exists()
    assert ".model.h5.checkpoint is of other settings, code, data or device: it is removed" in caplog.text


def test_a_checkpoint_of_another_device_is_not_gone_on_from(settings, tmp_path, monkeypatch):
    half(tmp_path / "model.h5", settings)
    monkeypatch.setattr(checkpoints.devices, "name", lambda: "another")
    assert Checkpoint(tmp_path / "model.h5", ORIGIN).resume() is None


def flat(value):
    """VALUE with its tensors as bytes, to be compared."""
    if isinstance(value, dict):
        return [(key, flat(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [flat(item) for item in value]
    return value.numpy().tobytes() if isinstance(value, torch.Tensor) else value


def test_whatever_byte_is_damaged_and_wherever_it_is_cut_no_wrong_state_is_read(settings, tmp_path, caplog):
    place = half(tmp_path / "model.h5", settings)
    content, whole = place.read_bytes(), flat(Checkpoint(tmp_path / "model.h5", ORIGIN).resume())
    damaged = [content[:end] for end in (0, 1, 100, len(content) // 2, len(content) - 1)]
    places = np.random.default_rng(0).integers(0, len(content), 60)
    damaged += [content[:at] + bytes([content[at] ^ 64]) + content[at + 1 :] for at in places]
    refused = 0
    with caplog.at_level("INFO"):
        for each in [b"not a checkpoint", *damaged]:
            place.write_bytes(each)
            state = Checkpoint(tmp_path / "model.h5", ORIGIN).resume()
            # Bytes that only fill up the archive are read by nobody.
            assert state is None or flat(state) == whole
            refused += state is None
    assert refused > 6 + 30
    assert caplog.text.count("cannot be read") == refused
    place.write_bytes(damaged[3])
    assert fit(settings, Checkpoint(tmp_path / "model.h5", ORIGIN)) == fit(settings)


def test_a_short_training_writes_no_state(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(Checkpoint, "save", lambda *_: pytest.fail("a state was written"))
    fit(settings, Checkpoint(tmp_path / "model.h5", ORIGIN))
    assert not list(tmp_path.iterdir())


def test_a_state_is_due_after_its_time_and_writing_takes_a_twentieth_of_it_at_most(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(torch, "save", lambda held, path: (path.write_bytes(b""), now.__setitem__(0, now[0] + 5)))
    saved = Checkpoint(tmp_path / "a", ORIGIN, 60)
    found = []
    for seconds in (59, 1, 99, 1):
        now[0] += seconds
        found.append(saved.due())
        if saved.due():
            saved.save({})
    assert found == [False, True, False, True]


TRAIN = {"data": np.random.default_rng(0).integers(0, 256, (24, 1, 6, 9), np.uint8), "label": np.arange(24) % 2,
         "index": np.arange(24)}  # fmt: skip


@pytest.fixture
def retrain(settings, baseline):
    told = fitting.description({"options": {"width": 2}}, "small_cnn", TRAIN["data"], TRAIN["label"])
    ranks = masking.ranks(TRAIN["data"][:, 0].astype(float), TRAIN["index"])
    done = []

    def loss(*given, stop, **more):
        done.append(True)
        if len(done) == stop:
            raise Killed
        return baseline(*given, **more)

    def work(function, saved=None, stop=None, **more):
        done.clear()
        how = {"told": told, "settings": settings | {"epochs": 3, "batch_size": 8}, "seed": "a", "saved": saved} | more
        images = [TRAIN, TRAIN] if function is curve_ends.ends else [TRAIN, TRAIN, [ranks, ranks]]
        rows = function(*images, loss=lambda *given, generator: loss(*given, generator=generator, stop=stop), **how)
        return rows, len(done)

    return work


@pytest.mark.parametrize("seconds", [0, 60])
def test_a_killed_retraining_repeats_no_finished_fraction_and_gives_the_same_rows(seconds, retrain, tmp_path):
    more = {"fractions": [0.1, 0.5, 0.9], "order": "remove", "fill": "mean"}
    rows, steps = retrain(retraining.retrain, **more)
    with pytest.raises(Killed), Checkpoint(tmp_path / "a.csv", ORIGIN, seconds) as saved:
        retrain(retraining.retrain, saved, stop=9 + 5, **more)
    with Checkpoint(tmp_path / "a.csv", ORIGIN, seconds) as saved:
        again, left = retrain(retraining.retrain, saved, **more)
    assert again == rows
    assert (steps, left) == (27, 18 if seconds else 15)  # with its state, the first epoch of the second one too
    assert not list(tmp_path.iterdir())


def test_the_ends_of_a_curve_are_not_trained_twice_either(retrain, tmp_path):
    more = {"fill": "image_mean"}
    rows, steps = retrain(curve_ends.ends, **more)
    with pytest.raises(Killed), Checkpoint(tmp_path / "a.csv", ORIGIN) as saved:
        retrain(curve_ends.ends, saved, stop=10, **more)
    again, left = retrain(curve_ends.ends, Checkpoint(tmp_path / "a.csv", ORIGIN), **more)
    assert (again, left) == (rows, steps // 2)


@pytest.mark.parametrize(("function", "more"), [
    (curve_ends.ends, {"fill": "image_mean"}),
    (leakage.leak, {"fractions": [0.3, 0.5], "order": "remove"}),
])  # fmt: skip
def test_of_several_repeats_in_one_job_none_takes_what_another_has_done_for_its_own(function, more, retrain, tmp_path):
    (one, _), (other, steps) = (retrain(function, seed=seed, **more) for seed in ("a", "b"))
    with Checkpoint(tmp_path / "a.csv", ORIGIN) as saved:
        assert retrain(function, saved, seed="a", name="repeat 0", **more)[0] == one
        assert retrain(function, saved, seed="b", name="repeat 1", **more) == (other, steps)
        assert retrain(function, saved, seed="b", name="repeat 1", **more) == (other, 0)


def test_a_state_is_of_the_part_in_which_it_was_saved(tmp_path):
    def work():
        saved.save({"x": 1})
        kill()

    saved = Checkpoint(tmp_path / "a", ORIGIN)
    with pytest.raises(Killed):
        saved.once("one", work)
    for part, state in (("other", None), ("one", {"x": 1})):
        saved, found = Checkpoint(tmp_path / "a", ORIGIN), []
        with pytest.raises(Killed):
            saved.once(part, lambda saved=saved, found=found: found.append(saved.resume()) or kill())
        assert found == [state]


PROGRAM = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from tests import test_checkpoints as here
settings = {"learning_rate": 0.1, "warmup": 0.2, "momentum": 0.9, "weight_decay": 5e-4}
saved = here.Checkpoint(sys.argv[1], here.ORIGIN, 0)
here.fit(settings, saved, killed_at=5, by=lambda: os.kill(os.getpid(), signal.SIGKILL))
"""


def test_what_a_killed_process_leaves_another_goes_on_from(settings, tmp_path):
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path / "model.h5"], cwd=ROOT, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    saved = Checkpoint(tmp_path / "model.h5", ORIGIN, 0)
    assert saved.due()
    assert len(torch.load(tmp_path / ".model.h5.checkpoint", weights_only=True)["state"]["curve"]) == 4
    assert fit(settings, saved) == fit(settings)
