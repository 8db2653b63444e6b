"""Removal without retraining: accuracies that can be counted by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from saliency_benchmark import degrading, masking

WHITE = np.array([0, 1, 3, 4, 8, 20])  # pixels of each image that are white, of 20
KEYS = {"dataset": "d", "model": "m", "recipe": "r", "seed": "0", "method": "brightness"}


class SeesWhite(nn.Module):
    """Class 1 where more than two pixels and a half are white."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.zeros(len(images)), images.sum((1, 2, 3)) - 2.5], 1)


@pytest.fixture
def table(plain):
    """Every image has label 1, and its brightness as its map; removed pixels are black."""
    data = 255 * (np.arange(20) < WHITE[:, None]).reshape(6, 1, 4, 5).astype(np.uint8)
    test = {"data": data, "label": np.ones(6, np.int32), "index": np.arange(6, dtype=np.int32)}
    rank = masking.ranks(data[:, 0].astype(np.float32), test["index"])
    count = masking.counts("percent", 20)
    ranks = {"pixel": masking.Levels(masking.levels_of(rank, count), count), "element": rank}
    return degrading.accuracies(
        plain(SeesWhite()), test, ranks, keys=KEYS, orders=["remove", "remove_least", "keep"], fills=["black", "mean"],
        fractions=[0.5, 0.1], seed="a",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("order", "left"),
    [
        ("remove", lambda count: np.maximum(WHITE - count, 0)),
        ("remove_least", lambda count: np.minimum(WHITE, 20 - count)),
        ("keep", lambda count: np.minimum(WHITE, count)),
    ],
)
@pytest.mark.parametrize("unit", ["pixel", "element"])
def test_accuracy_is_the_share_of_images_with_enough_white_left(table, order, left, unit):
    curve = table[(table["order"] == order) & (table["unit"] == unit) & (table["fill"] == "black")]
    assert curve["fraction"].tolist() == [0, 0.1, 0.5, 1]
    assert curve["accuracy"].tolist() == [(left(count) > 2.5).mean() for count in (0, 2, 10, 20)]


def test_every_row_has_its_keys_and_every_curve_is_there_once(table):
    assert list(table) == [*KEYS, "order", "fill", "unit", "fraction", "accuracy"]
    assert len(table) == 3 * 2 * 2 * 4
    assert not table.duplicated([*KEYS, "order", "fill", "unit", "fraction"]).any()
    assert (table[list(KEYS)] == list(KEYS.values())).all(axis=None)
