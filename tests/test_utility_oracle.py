"""The smallest set of cells whose shift changes a prediction, against brute force, and a rule that reads it."""

from itertools import combinations

import numpy as np
import pytest

from saliency_benchmark.utility import checking, oracle
from saliency_benchmark.utility_design import SELECTION, SIMULATION
from tests import questions

CELLS = np.arange(9).reshape(3, 3).repeat(2, 0).repeat(2, 1)
ALL = [np.array(chosen, int) for size in range(10) for chosen in combinations(range(9), size)]


def change(votes):
    """The prediction is 0 where VOTES(share of each cell that is as it was) is below 0.5."""

    def predict(images):
        left = np.stack([images[:, 0][:, cell == CELLS].mean(1) for cell in range(9)], 1)
        other = votes(left)
        return np.stack([1 - other, other], 1)

    image, shifted = np.ones((1, 6, 6), np.uint8), np.zeros((1, 6, 6), np.uint8)
    return oracle.Change(predict, image, shifted, CELLS, 0)


def brute_force(one):
    """The sizes of the smallest sets that change the prediction; None where none does."""
    sets = np.zeros((len(ALL), 9), bool)
    for row, chosen in zip(sets, ALL, strict=True):
        row[chosen] = True
    changed, _ = one.told(sets)
    return sets[changed].sum(1).min() if changed.any() else None


@pytest.mark.parametrize("exact", [1, 2, 9])
@pytest.mark.parametrize("seed", range(6))
def test_the_set_is_the_smallest_where_cells_add_up(seed, exact):
    weights = np.random.default_rng(seed).dirichlet(np.ones(9)) * 1.6
    one = change(lambda left: ((1 - left) * weights).sum(1).clip(0, 1))
    found = oracle.smallest(one, exact)
    assert one.told(found[None])[0][0]
    # Greedy is exact where each cell's weight does not depend on the others.
    assert found.sum() == brute_force(one)


def test_exact_search_finds_the_pair_that_greed_misses_and_elimination_leaves_nothing_spare():
    # Cells 7 and 8 change it together and do nothing alone; each of the others does a little.
    votes = lambda left: np.maximum(0.11 * (1 - left)[:, :7].sum(1), ((1 - left)[:, 7:] == 1).all(1))  # noqa: E731
    one = change(votes)
    assert brute_force(one) == 2
    assert np.flatnonzero(oracle.smallest(one, 2)).tolist() == [7, 8]
    greedy = oracle.smallest(one, 1)
    assert greedy.sum() == 5
    for member in np.flatnonzero(greedy):
        without = greedy.copy()
        without[member] = False
        assert not one.told(without[None])[0][0]


def test_cells_that_were_needed_first_and_not_in_the_end_go_again():
    # Cell 0 takes most at first, but cells 1 and 2 together change it without cell 0.
    def votes(left):
        gone = 1 - left
        return np.where((gone[:, 1] == 1) & (gone[:, 2] == 1), 0.9, 0.3 * gone[:, 0] + 0.1 * gone[:, 1:3].sum(1))

    assert np.flatnonzero(oracle.smallest(change(votes), 1)).tolist() == [1, 2]


def test_nothing_is_marked_where_the_shift_of_all_cells_changes_nothing():
    assert not oracle.smallest(change(lambda left: np.zeros(len(left))), 2).any()


def test_cells_that_the_shift_leaves_as_they_are_are_never_marked():
    one = change(lambda left: (1 - left).sum(1) / 3)
    kept = np.where(CELLS < 4, one.image[0], one.shifted[0])[None]
    found = oracle.smallest(oracle.Change(one.predict, one.image, kept, CELLS, 0), 9)
    assert found.sum() == 2
    assert not found[:4].any()


@pytest.mark.parametrize("task", [SELECTION, SIMULATION])
def test_the_rule_reads_the_oracle_and_is_at_chance_without(task):
    items = questions.noise(task, 20, 10)
    assert checking.answered(items["oracle"], items["answer"]) == 1
    assert checking.answered(np.zeros_like(items["oracle"]), items["answer"]) == 0.5
    checking.refuse_unreadable(task, items["oracle"], items["answer"])


def test_items_that_the_oracle_does_not_tell_are_refused_with_the_share():
    items = questions.noise(SELECTION, 20, 20)
    items["oracle"][:3] = 0
    assert checking.answered(items["oracle"], items["answer"]) == 1 - 3 * 0.5 / 40
    checking.refuse_unreadable(SELECTION, items["oracle"], items["answer"])
    items["oracle"][:5] = 0
    with pytest.raises(ValueError, match=r"answers 93.8% of the 40 items of model_selection; wanted: at least 95%"):
        checking.refuse_unreadable(SELECTION, items["oracle"], items["answer"])
