"""What ROAR's tables say of one run, in sentences: who beats random, and on what that depends."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from saliency_benchmark import ratios, roar_protocols

SETTING = ["order", "fill", "unit"]
# Verdicts on a curve, by what the interval of its gain over the control says.
BEATS, BEHIND, OPEN, UNKNOWN = (
    "beats {control}",
    "lies behind {control}",
    "cannot be told from {control}",
    "cannot be judged with one repeat",
)
# By how much an accuracy from masks alone must exceed chance, and that of random masks, to be spoken of.
LEAK = 0.05
FILTERS = ("gaussian_filtered", "maximum_filtered")


def verdicts(summary: pd.DataFrame, control: str) -> pd.DataFrame:
    """A verdict for each curve of a run's roar_summary.csv but the control's: order, fill, unit, method, verdict."""
    part = summary[summary["method"] != control]
    conditions = [part["gain_low"] > 0, part["gain_high"] < 0, part["gain_low"].notna()]
    said = np.select(conditions, [BEATS, BEHIND, OPEN], UNKNOWN)
    return part.assign(verdict=[text.format(control=control) for text in said])


def ends(table: pd.DataFrame, confidence: float = 0.95) -> Iterator[str]:
    """What is reached with nothing removed, the mean over the trainings or, where there are several, over the seeds.

    TABLE: a run's rows of roar_ends.csv. All fills have that end in common.
    """
    rows = table[(table["fill"] == table["fill"].iloc[0]) & (table["fraction"] == 0)]
    means = rows.groupby("seed")["accuracy"].mean() if rows["seed"].nunique() > 1 else rows["accuracy"]
    low, high = ratios.mean_interval(means.to_numpy(), confidence)
    interval = "" if np.isnan(low) else f" [{low:.3f}, {high:.3f}]"
    number = f"{len(rows)} training{'s' * (len(rows) > 1)}"
    yield f"With nothing removed: accuracy {means.mean():.3f}{interval}, {number}."


def standings(judged: pd.DataFrame, control: str) -> Iterator[str]:
    """Per order, fill and unit: how many methods beat the control, and which."""
    for values, part in judged.groupby(SETTING, sort=False):
        place = told(values)
        if (part["verdict"] == UNKNOWN).all():
            ahead = part.loc[part["gain"] > 0, "method"]
            yield (
                f"{place}: with one repeat nothing can be told from the chance of retraining. By their single curves, "
                f"better than {control}: {listed(ahead) or 'no method'}."
            )
            continue
        found = {
            said: part.loc[part["verdict"] == said.format(control=control), "method"] for said in (BEATS, BEHIND, OPEN)
        }
        yield (
            f"{place}: of {len(part)} methods {len(found[BEATS])} beat {control} ({listed(found[BEATS]) or 'none'}); "
            f"{len(found[BEHIND])} lie behind it ({listed(found[BEHIND]) or 'none'}); of {len(found[OPEN])} it cannot "
            f"be told ({listed(found[OPEN]) or 'none'})."
        )


def dependences(judged: pd.DataFrame, what: str) -> Iterator[str]:
    """Methods that beat the control under one value of WHAT (fill or unit) and not under another, all else equal."""
    others = [name for name in SETTING if name != what]
    if judged[what].nunique() < 2:
        return
    for values, part in judged.groupby(others, sort=False):
        patterns: dict[tuple, list[str]] = {}
        for method, rows in part.groupby("method", sort=False):
            pattern = tuple(zip(rows[what], rows["verdict"], strict=True))
            if len({verdict.startswith("beats") for _, verdict in pattern}) > 1:
                patterns.setdefault(pattern, []).append(method)
        for pattern, methods in patterns.items():
            under = ", ".join(f"under {what} {value} {_each(methods, verdict)}" for value, verdict in pattern)
            place = ", ".join(f"{name} {value}" for name, value in zip(others, values, strict=True))
            yield f"The conclusion on {listed(methods)} depends on the {what}: {under} ({place})."


def _each(methods: list[str], verdict: str) -> str:
    if len(methods) == 1:
        return f"it {verdict}"
    return f"each {verdict}"


def leaks(leakage: pd.DataFrame, control: str, retrained: pd.DataFrame) -> Iterator[str]:
    """Masks that alone tell the class: at their worst fraction, `LEAK` above chance and above all random masks.

    LEAKAGE, RETRAINED: a run's rows of leakage.csv and roar.csv.
    """
    for (order, unit), part in leakage.groupby(["order", "unit"], sort=False):
        means = part.groupby(["method", "fraction"], sort=False)[["accuracy", "chance"]].mean().reset_index()
        floor = means.loc[means["method"] == control, "accuracy"].max()
        for method, rows in means[means["method"] != control].groupby("method", sort=False):
            worst = rows.loc[(rows["accuracy"] - rows["chance"]).idxmax()]
            bar = worst["chance"] if np.isnan(floor) else max(worst["chance"], floor)
            if worst["accuracy"] - bar < LEAK:
                continue
            same = retrained[(retrained[["method", "order", "unit"]] == [method, order, unit]).all(axis=1)]
            beside = same.loc[np.isclose(same["fraction"], worst["fraction"]), "accuracy"]
            compared = f"; retrained on the masked images: {beside.mean():.2f}" if len(beside) else ""
            yield (
                f"The mask of {method} alone tells the class (accuracy {worst['accuracy']:.2f} at fraction "
                f"{worst['fraction']:g} against chance {worst['chance']:.2f}{compared}): its curve measures the mask "
                f"too (order {order}, unit {unit})."
            )


def retraining(judged: pd.DataFrame, masked: pd.DataFrame, control: str) -> Iterator[str]:
    """Methods that retraining moves to the other side of the control; MASKED: a run's rows of masked_accuracy.csv."""
    for values, part in judged.groupby(SETTING, sort=False):
        rows = masked[(masked[SETTING] == list(values)).all(axis=1)]
        # Nothing repeats here but seeds.
        once = rows.assign(repeat=rows["seed"])
        methods, heights = roar_protocols.heights(once, values[0]) if len(rows) else ([], np.empty((0, 0)))
        if control not in methods or not len(heights):
            continue
        gain = dict(zip(methods, heights.mean(0) - heights.mean(0)[methods.index(control)], strict=True))
        said = part.set_index("method")["verdict"]
        lost = [name for name in said.index if gain.get(name, 0) > 0 and said[name].startswith("lies behind")]
        won = [name for name in said.index if gain.get(name, 0) < 0 and said[name].startswith("beats")]
        for names, before, after in ((lost, "better", "behind it"), (won, "worse", "ahead of it")):
            if names:
                count = "is" if len(names) == 1 else "are"
                first = f"{told(values)}: without retraining {listed(names)} {count} {before} than {control}"
                yield f"{first}, after retraining {after}."


def protocols(agreement: pd.DataFrame) -> Iterator[str]:
    """Whether the first protocol and each other rank the methods alike (group all)."""
    part = agreement[(agreement["group"] == "all") & agreement["spearman"].notna()]
    for row in part[part["first"] == part["first"].iloc[0]].itertuples() if len(part) else ():
        interval = "no interval" if np.isnan(row.low) else f"[{row.low:.2f}, {row.high:.2f}]"
        said = "whether they tend the same way cannot be told from these repeats"
        if row.low > 0:
            said = "they tend the same way whatever the repeats"
        elif row.high < 0:
            said = "they tend opposite ways whatever the repeats"
        yield (
            f"Rankings of {row.methods} methods by “{row.first}” and “{row.second}”: Spearman {row.spearman:.2f} "
            f"({interval}), {said}."
        )


def variants(contrasts: pd.DataFrame) -> Iterator[str]:
    """Which methods are better, or worse, than those that they are made of; filters by themselves."""
    for values, part in contrasts.groupby(SETTING, sort=False):
        filters = part["kind"].isin(FILTERS)
        better, worse = part["gain_low"] > 0, part["gain_high"] < 0
        for chosen, verb in ((better, "better"), (worse, "worse")):
            names = [f"{row.method} (of {row.base})" for row in part[chosen & ~filters].itertuples()]
            if names:
                yield f"{told(values)}: {verb} than what they are made of: {listed(names)}."
        names = list(dict.fromkeys(f"{row.base} ({row.method})" for row in part[better & filters].itertuples()))
        if names:
            yield (
                f"{told(values)}: a filter, which adds no information, makes the map better for {listed(names)}: here "
                "ROAR rewards blur."
            )


def told(values: tuple) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(SETTING, values, strict=True)).capitalize()


def listed(names: object) -> str:
    return ", ".join(map(str, names))


def sentences(tables: dict[str, pd.DataFrame], control: str) -> list[str]:
    """All that is said of one run. TABLES: its rows of each table by name; roar and roar_summary must be there."""
    judged = verdicts(tables["roar_summary"], control)
    found = list(ends(tables["roar_ends"])) if len(tables.get("roar_ends", ())) else []
    found += [*standings(judged, control), *dependences(judged, "fill"), *dependences(judged, "unit")]
    if len(tables.get("leakage", ())):
        found += leaks(tables["leakage"], control, tables["roar"])
    if len(tables.get("masked_accuracy", ())):
        found += retraining(judged, tables["masked_accuracy"], control)
    if len(tables.get("roar_contrasts", ())):
        found += variants(tables["roar_contrasts"])
    if len(tables.get("protocol_agreement", ())):
        found += protocols(tables["protocol_agreement"])
    return found
