"""Does a method's variant beat the method that it is made of? Paired differences of area scores: roar_contrasts.csv."""

import numpy as np
import pandas as pd

from saliency_benchmark import ratios, roar_areas, roar_summary

FIRST = ["dataset", "model", "recipe", "seed", "method", "base", "kind", "order", "difference", "low", "high"]


def contrasts(roar: pd.DataFrame, pairs: list[dict], control: str, *, confidence: float = 0.95) -> pd.DataFrame:
    """A row per pair, run and order: area score of `method` minus that of `base`; positive where the variant is better.

    PAIRS: dicts of method, base, and whatever is to be told of the pair. `difference` is the area between the two
    curves over the room that CONTROL leaves, not clipped; `low`, `high` as in `roar_summary.summarise`, the repeats
    paired; `gain` the same as a mean difference of accuracy, which needs no control. Pairs without curves have no row.
    """
    rows = []
    for names, parts in roar_summary.runs(roar):
        order = str(names.get("order", "remove"))
        curves = [roar_areas.by_method(part) for part in parts]
        for pair in pairs:
            found = [
                roar_areas.compared(each[pair["method"]], each[pair["base"]], each.get(control), order)
                for each in curves
                if pair["method"] in each and pair["base"] in each
            ]
            if found:
                rows.append({**names, **pair, **_row(found, len(parts), order, confidence)})
    table = pd.DataFrame(rows, columns=None if rows else [*FIRST, "note"])
    return table[roar_summary.ordered(table, FIRST)]


def _row(found: list[roar_areas.Areas], seeds_there: int, order: str, confidence: float) -> dict:
    found = [each for each in found if len(each.gain)] or found[:1]
    gain, room = roar_summary.units(found, seeds_there)
    difference = ratios.ratio(gain, room)
    low, high = ratios.ratio_interval(gain, room, confidence)
    gain_low, gain_high = ratios.mean_interval(gain, confidence)
    notes = roar_summary.notes(found, seeds_there, order, difference, low)
    return {
        "difference": difference,
        "low": low,
        "high": high,
        "gain": gain.mean() if len(gain) else np.nan,
        "gain_low": gain_low,
        "gain_high": gain_high,
        "repeats": sum(len(each.gain) for each in found),
        "seeds": len(found),
        "note": "; ".join(note for note in notes if not note.startswith("clipped")),
    }
