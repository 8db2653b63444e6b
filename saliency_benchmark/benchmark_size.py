"""How many images does a benchmark need, to name the best method again (arXiv 2311.17876)?

Each image votes for the method that it ranks first; methods that tie for first on an image share its vote. The best is
the method with most votes. Two answers to how many images keep it strictly ahead with a wanted probability:

- exact, for new images of the same kind: votes are drawn with the shares found as probabilities (`plurality`). A shared
  vote counts as a vote that falls on each of them equally often.
- resampled, for these images: subsets are drawn without replacement and their votes counted as they are. No assumption,
  but a subset that is most of the images cannot differ from them: a lower bound, given up to half of their number.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from saliency_benchmark import grouping, plurality, seeds, votes

PROBABILITY = 0.95
SUBSETS = 1000


def size_table(
    scores: grouping.Arrays, groups: dict[str, list[str]], higher: bool, settings: dict, keys: dict
) -> pd.DataFrame:
    """benchmark_size.csv: a row per group. SETTINGS: seed, and probability if it is not 0.95.

    `minimum_images` is empty where no number up to the available images suffices, or there is no one winner; `note`
    says which. `resampled_images` is empty where no number up to half of them does. `probability` is that of the winner
    to stay ahead on as many images as are available.
    """
    wanted = settings.get("probability", PROBABILITY)
    rows = []
    for group, ranking, _ in grouping.rankings(scores, groups, higher):
        shares, available = votes.shares(ranking), len(ranking)
        row = {**keys, "group": group, "winner": "", "minimum_images": None, "available_images": available}
        row |= {"resampled_images": None, "winner_share": np.nan, "runner_up": "", "runner_up_share": np.nan}
        row |= {"probability": np.nan, "methods": len(groups[group]), "note": _reason(groups[group], shares, available)}
        if not row["note"]:
            row |= _led(groups[group], shares) | _sizes(ranking, shares, wanted, settings["seed"])
            if row["minimum_images"] is None:
                row["note"] = f"no number up to {available} images suffices for a probability of {wanted:g}"
        rows.append(row)
    whole = {"minimum_images": "Int64", "resampled_images": "Int64"}
    return pd.DataFrame(rows).astype(whole)


def curve_table(
    scores: grouping.Arrays, groups: dict[str, list[str]], higher: bool, settings: dict, keys: dict
) -> pd.DataFrame:
    """Probability that the winner stays ahead, by number of images: `exact` and `resampled`, as the module has them.

    A row per group and number, up to the available images; none for a group without one winner.
    """
    columns = [*keys, "group", "winner", "images", "exact", "resampled"]
    tables = [pd.DataFrame(columns=columns)]
    for group, ranking, _ in grouping.rankings(scores, groups, higher):
        shares, available = votes.shares(ranking), len(ranking)
        if not _reason(groups[group], shares, available):
            numbers = steps(available)
            told = {"images": numbers, "exact": plurality.probability(shares, numbers)}
            told["resampled"] = subsets(ranking, numbers, SUBSETS, settings["seed"])
            about = {**keys, "group": group, "winner": groups[group][int(np.argmax(shares))]}
            tables.append(pd.DataFrame(told).assign(**about)[columns])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def steps(most: int) -> np.ndarray:
    """Numbers of images from 1 to MOST: each up to 20, then in steps of a tenth, and MOST."""
    far = 20 * 1.1 ** np.arange(1 + max(0.0, np.log(most / 20) / np.log(1.1)))
    found = np.unique(np.concatenate([np.arange(1, 21), np.floor(far), [most]]).astype(int))
    return found[found <= most]


def subsets(ranking: np.ndarray, numbers: Iterable[int], draws: int, seed: int) -> np.ndarray:
    """Share of subsets of the images, drawn without replacement, in which the winner of all is strictly ahead.

    RANKING (image, method); NUMBERS are the sizes of the subsets: (number).
    """
    leads = _leads(ranking)
    return np.array([_ahead(*leads, number, draws, seed) for number in numbers])


def _leads(ranking: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many images vote alike, (pattern), and how far the winner is ahead of each rival there, (pattern, rival)."""
    patterns, images = np.unique(votes.cast(ranking), axis=0, return_counts=True)
    winner = int(np.argmax(images @ patterns))
    return images, patterns[:, [winner]] - np.delete(patterns, winner, 1)


def _ahead(images: np.ndarray, lead: np.ndarray, number: int, draws: int, seed: int) -> float:
    rng = seeds.rng("subsets", seed, int(number))
    drawn = rng.multivariate_hypergeometric(images, number, draws, method="marginals")
    return float((drawn @ lead > 1e-6).all(1).mean())  # thirds do not sum to 1 in binary


def _enough(ranking: np.ndarray, wanted: float, seed: int) -> int | None:
    """The least size of subsets that name the winner often enough, by halving; None above half of the images."""
    leads, low, high = _leads(ranking), 1, len(ranking) // 2

    def suffices(number: int) -> bool:
        return _ahead(*leads, number, SUBSETS, seed) >= wanted

    if not suffices(high):
        return None
    high = 1 if suffices(1) else high
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle + 1, high)
    return low


def _sizes(ranking: np.ndarray, shares: np.ndarray, wanted: float, seed: int) -> dict:
    available = len(ranking)
    return {
        "minimum_images": plurality.smallest(shares, wanted, available),
        "resampled_images": _enough(ranking, wanted, seed),
        "probability": float(plurality.probability(shares, [available])[0]),
    }


def _led(names: list[str], shares: np.ndarray) -> dict:
    second, first = np.argsort(shares)[-2:]
    led = {"winner": names[first], "winner_share": shares[first]}
    return led | {"runner_up": names[second], "runner_up_share": shares[second]}


def _reason(names: list[str], shares: np.ndarray, available: int) -> str:
    """Why there is no winner."""
    if len(names) < 2:
        return "one method: nothing to win"
    if available < 2:
        return f"{available} images with two valid scores"
    if plurality.tied(shares):
        top = [name for name, share in zip(names, shares, strict=True) if share > shares.max() - 1e-12]
        return f"{' and '.join(top)} are first equally often"
    return ""
