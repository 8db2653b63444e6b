"""Networks side by side: each becomes what it becomes alone."""

import copy
import logging

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import checkpoints, fitting, graphs, masked, masking, networks, retraining, stacking, training
from saliency_benchmark.classifier import Classifier

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 12, 12), dtype=np.uint8)
LABELS = np.arange(40, dtype=np.int32) % 4
DATA = {"data": IMAGES, "label": LABELS, "index": np.arange(40)}
RANK = masking.ranks(np.random.default_rng(1).random((40, 12, 12)), DATA["index"])
FRACTIONS = (0.2, 0.5, 0.8)
SMALL = {"file": "small_cnn", "options": {"width": 4}}
RESNET = {"file": "torchvision_model", "options": {"name": "resnet18"}}


class Doubled(masked.MaskedSource):
    """Its inputs in double precision."""

    def inputs(self, index):
        return super().inputs(index).double()


def sources(entry, seeds, double=False, build=networks.build, number=40):
    made, data = [], {name: values[:number] for name, values in DATA.items()}
    for seed, fraction in zip(seeds, FRACTIONS, strict=False):
        network = build(entry, "it", (3, 12, 12), 4, seed)
        model = Classifier(network.double() if double else network, torch.full((3,), 0.5), torch.full((3,), 0.25), "")
        source = masked.source_of(model, data, masking.removed(RANK[:number], fraction, "remove"), "mean")
        made.append(Doubled(**vars(source)) if double else source)
    return made


@pytest.fixture
def short(settings):
    return settings | {"epochs": 2, "batch_size": 16, "learning_rate": 0.05, "flip": True}


def pairs(ours, theirs):
    """What each network holds, and its twin."""
    for one, other in zip(ours, theirs, strict=True):
        held = other.classifier.network.state_dict()
        for name, values in one.classifier.network.state_dict().items():
            yield name, values.double(), held[name].double()


def both(entry, seeds, loss, settings, double=True, number=40):
    """Sources trained side by side, and one by one, with their curves."""
    stacked = sources(entry, seeds, double, number=number)
    alone = copy.deepcopy(stacked)
    assert stacking.obstacle(stacked, loss) == ""
    curves = stacking.train(stacked, loss, seeds=seeds, **settings)
    expected = [training.train(source, loss, seed=seed, **settings) for source, seed in zip(alone, seeds, strict=True)]
    return stacked, alone, curves, expected


@pytest.mark.parametrize("seeds", [[0, 0, 0], [0, 1, 2]])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"momentum": 0.0, "schedule": "constant"},
        {"optimiser": "adamw", "learning_rate": 0.003, "weight_decay": 0.1},
        {"nesterov": False, "flip": False, "crop": 2, "schedule": "steps", "milestones": [1]},
    ],
)
def test_each_network_becomes_what_it_becomes_alone(more, seeds, baseline, short):
    stacked, alone, curves, expected = both(SMALL, seeds, baseline, short | more)
    for name, ours, theirs in pairs(stacked, alone):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-10), name
    assert np.allclose(curves, expected, rtol=0, atol=1e-10)
    first, second = (source.classifier.network.block1[0].weight for source in stacked[:2])
    assert not torch.allclose(first, second)


def test_a_residual_network_too(baseline, short):
    stacked, alone, curves, expected = both(
        RESNET, [0, 1], baseline, short | {"epochs": 1, "batch_size": 16}, number=32
    )
    for name, ours, theirs in pairs(stacked, alone):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-10), name
    assert np.allclose(curves, expected, rtol=0, atol=1e-10)


def test_in_single_precision_up_to_rounding(baseline, short):
    stacked, alone, curves, expected = both(SMALL, [0, 0, 1], baseline, short, double=False)
    for name, ours, theirs in pairs(stacked, alone):
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4), name
    assert np.allclose(curves, expected, atol=1e-4)
    assert [training.accuracy(source) for source in stacked] == [training.accuracy(source) for source in alone]


@pytest.mark.parametrize("criterion", ["label_smoothing", "focal", "adaptive_focal", "flsd_53"])
def test_other_losses_of_clean_images_too(criterion, short):
    loss = fitting.recipe("composed", {"options": {"criterion": criterion}})
    stacked, alone, curves, expected = both(SMALL, [0, 1], loss, short | {"epochs": 1})
    for name, ours, theirs in pairs(stacked, alone):
        assert torch.allclose(ours, theirs, rtol=0, atol=1e-10), name
    assert np.allclose(curves, expected, rtol=0, atol=1e-10)


def test_the_loss_of_several_labels_too(short):
    bits = np.random.default_rng(2).integers(0, 2, (40, 4))
    loss, stacked = fitting.recipe("multi_label", {"options": {}}), sources(SMALL, (0, 1), True)
    for source in stacked:
        source.labels = torch.from_numpy(bits)
    alone = copy.deepcopy(stacked)
    assert stacking.obstacle(stacked, loss) == ""
    stacking.train(stacked, loss, seeds=(0, 1), **short)
    for source, seed in zip(alone, (0, 1), strict=True):
        training.train(source, loss, seed=seed, **short)
    assert all(torch.allclose(one, other, rtol=1e-7, atol=1e-9) for _, one, other in pairs(stacked, alone))


def test_they_are_ready_for_use(baseline, short):
    made = sources(SMALL, [0, 1])
    stacking.train(made, baseline, seeds=[0, 1], **short | {"epochs": 1})
    for source in made:
        assert not any(module.training for module in source.classifier.network.modules())
        assert not any(parameter.requires_grad for parameter in source.classifier.network.parameters())


class Dropping(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Dropout(0.5), nn.Linear(432, 4))


class Counting(nn.Module):
    """Keeps a number of its own where no stack sees it."""

    def __init__(self, factor):
        super().__init__()
        self.factor, self.head = factor, nn.Linear(432, 4)

    def forward(self, images):
        return self.factor * self.head(images.flatten(1))


class Asking(nn.Sequential):
    """Goes one way or the other, as its weights say."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(432, 4))

    def forward(self, images):
        logits = super().forward(images)
        return logits if logits.sum() > 0 else -logits


@pytest.mark.parametrize(
    ("make", "reason"),
    [(lambda seed: Dropping(), "random"), (lambda seed: Counting(1.0 + seed), "other logits"),
     (lambda seed: Asking(), "data-dependent control flow")],
)  # fmt: skip
def test_what_cannot_be_stacked_says_why(make, reason, baseline):
    def build(entry, label, shape, classes, seed):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return make(seed)

    assert reason in stacking.obstacle(sources({}, [0, 1], build=build), baseline)


@pytest.mark.parametrize(
    "options", [{"parts": ["fp"]}, {"parts": ["ap"]}, {"pass_masked": True}, {"weights": {"masked": 1.0}}]
)
def test_a_recipe_that_does_more_than_call_the_network_says_so(options, short):
    loss = fitting.recipe("composed", {"options": options})
    assert "the recipe" in stacking.obstacle(sources(SMALL, [0, 1]), loss)


def test_a_recipe_that_says_nothing_is_not_stacked(short):
    def loss(network, inputs, labels):
        return network(inputs).sum()

    assert "the recipe" in stacking.obstacle(sources(SMALL, [0, 1]), loss)


def test_looking_whether_they_can_be_stacked_changes_nothing(baseline):
    made, others = sources(SMALL, [0, 1]), sources(SMALL, [0, 1])
    assert stacking.obstacle(made, baseline) == ""
    assert all(torch.equal(ours, theirs) for _, ours, theirs in pairs(made, others))


def test_a_loss_that_is_no_number_stops_the_training(baseline, short):
    with pytest.raises(FloatingPointError, match=r"loss is (nan|inf) in epoch 1: lower training\.learning_rate"):
        stacking.train(sources(SMALL, [0, 1]), baseline, seeds=[0, 1], **short | {"learning_rate": 1e20})


@pytest.fixture
def retrained(baseline, short):
    """retrained(together): accuracies by fraction."""
    told = fitting.description({"options": {"width": 4}}, "small_cnn", IMAGES, LABELS)
    test = {name: values[:20] for name, values in DATA.items()}

    def retrain(together, **more):
        given = {"loss": baseline, "fill": "mean", "settings": short, "fractions": list(FRACTIONS)} | more
        ranks = [RANK, RANK[:20]]
        return retraining.retrain(DATA, test, ranks, told=told, order="remove", seed="a", together=together, **given)

    return retrain


@pytest.mark.parametrize("control", ["fixed", "redrawn"])
@pytest.mark.parametrize("fill", ["blur", "linear"])
def test_fractions_trained_side_by_side_are_those_trained_one_by_one(fill, control, retrained, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "accuracy", lambda source: seen.append(training.logits(source)) or 0.5)
    for together in (1, 2, 7):
        rows = retrained(together, fill=fill, control=control)
        assert [row["fraction"] for row in rows] == [*FRACTIONS]
    alone, two, all_of_them = torch.stack(seen).unflatten(0, (3, 3))
    assert torch.allclose(two, alone, atol=1e-3)
    assert torch.allclose(all_of_them, alone, atol=1e-3)
    assert not torch.allclose(alone[0], alone[1], atol=1e-2)


def test_where_fractions_cannot_be_stacked_they_are_trained_one_by_one_and_the_log_says_why(retrained, short, caplog):
    more = {"loss": fitting.recipe("composed", {"options": {"parts": ["ap"], "steps": 1}}), "settings": short}
    with caplog.at_level(logging.INFO):
        found = retrained(3, **more)
    assert "they are trained one by one: the recipe does not say" in caplog.text
    assert found == retrained(1, **more)


def test_on_a_processor_one_is_trained_at_a_time(retrained, monkeypatch):
    monkeypatch.setattr(stacking, "train", None)
    assert retrained(None) == retrained(1)


class Killed(Exception):
    pass


def test_a_killed_training_of_many_goes_on_from_its_checkpoint(tmp_path, baseline, short):
    """Killed at the beginning of the third epoch of three."""
    settings, begun = short | {"epochs": 3}, []

    def noted(last):
        def redraw(epoch):
            begun.append(epoch)
            if epoch == last:
                raise Killed
            return torch.from_numpy(masking.removed(RANK, 0.2 + 0.1 * epoch, "remove"))

        made = sources(SMALL, [0, 1])
        made[1].redraw = redraw
        return made

    def trained(made):
        found = []
        with checkpoints.Checkpoint(tmp_path / "it.csv", {}, 0) as saved:
            checkpoints.once(
                saved,
                "part",
                lambda: found.extend(stacking.train(made, baseline, seeds=[0, 1], saved=saved, **settings)) or 0.0,
            )
        return found

    whole = noted(None)
    expected = stacking.train(whole, baseline, seeds=[0, 1], **settings)
    with pytest.raises(Killed):
        trained(noted(2))
    begun.clear()
    others = noted(None)
    assert np.array_equal(trained(others), expected)
    assert begun == [2]
    assert all(torch.equal(ours, theirs) for _, ours, theirs in pairs(others, whole))


def test_without_a_gpu_a_step_is_not_recorded():
    step = graphs.Recorded(lambda number: number + 1, torch.device("cpu"))
    assert [step(torch.tensor(number)).item() for number in range(9)] == [*range(1, 10)]


def test_where_recording_fails_the_steps_go_on_as_they_are(monkeypatch, caplog):
    """Told of a GPU that refuses: no step is lost, and none is done twice."""

    class Refusing:
        def __init__(self, *_):
            pass

        def __enter__(self):
            raise RuntimeError("operation not permitted when stream is capturing")

        def __exit__(self, *_):
            return False

        def wait_stream(self, _):
            pass

    class Stream(Refusing):
        def __enter__(self):
            pass

    for name, value in {"Stream": Stream, "current_stream": Stream, "stream": Stream, "CUDAGraph": Refusing,
                        "graph": Refusing}.items():  # fmt: skip
        monkeypatch.setattr(torch.cuda, name, value)
    done = []
    step = graphs.Recorded(lambda number: done.append(number.item()) or number, torch.device("cuda"))
    with caplog.at_level(logging.INFO):
        given = [step(torch.tensor(number)).item() for number in range(6)]
    assert given == done == [*range(6)]
    assert caplog.text.count("no CUDA graph") == 1
