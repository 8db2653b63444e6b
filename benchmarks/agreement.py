"""What alpha and its interval cost, ours and the package's, side by side in one process; and how far raw scores go.

`python benchmarks/agreement.py [--rounds 5] [--only point|interval|raw|rows]`, the project on PYTHONPATH. One thread,
processor time; medians over the rounds, in each of which all run in turn. The package is called as it documents, with
the rankings, and with counts of ranks, which suit it best. In a loop over samples of the images it runs on 20 of 1000
samples, and its time is scaled up. It makes tables of all pairs of values: with raw scores it runs where one takes less
than 1 GiB, else that size is told. `raw`: the peak is that of what is allocated on top of the scores. `rows`: whole
commands, start included.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import argparse
import resource
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import krippendorff
import numpy as np

from saliency_benchmark import agreement, alpha_forms, bootstrap

POINTS = [(1000, 15), (10_000, 15), (100_000, 50)]
RAW = [(50, 15), (200, 15), (1000, 15), (10_000, 15)]
INTERVALS = [("ranks", 1000, 9), ("ranks", 10_000, 9), ("ranks with ties", 10_000, 0), ("ranks", 50_000, 9)]
RESAMPLES, PART = 1000, 20
package = partial(krippendorff.alpha, level_of_measurement="ordinal")


def scores(images: int, methods: int, digits: int = 9) -> np.ndarray:
    """Scores (method, image) that agree in part; few DIGITS tie."""
    rng = np.random.default_rng(0)
    return (0.1 * np.arange(methods)[:, None] + rng.normal(size=(methods, images))).round(digits)


def seconds(work: Callable) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def medians(works: list[Callable | None], rounds: int) -> np.ndarray:
    """Seconds of each; NaN where there is none. They are told which round it is."""
    times = [[seconds(partial(work, place)) if work else np.nan for work in works] for place in range(rounds + 1)]
    return np.median(times[1:], axis=0)  # the first round warms up


def line(title: str, times: np.ndarray, note: str = "") -> None:
    shown = [f"{each * 1e3:.1f} ({each / times[0]:.0f}x)" if np.isfinite(each) else note for each in times[1:]]
    print(f"| {title} | {times[0] * 1e3:.1f} | {' | '.join(shown)} |", flush=True)


def by_counts(codes: np.ndarray, values: np.ndarray) -> float:
    counts = np.stack([np.bincount(column, minlength=len(values)) for column in codes.T])
    return package(value_counts=counts, value_domain=values)


def point(rounds: int) -> None:
    print("\n| alpha, ordinal | ours, ms | package, from rankings | package, from counts |\n|---|---|---|---|")
    for images, methods in POINTS:
        ranking = agreement.ranks(scores(images, methods), True)
        codes, values, form = (
            ranking.astype(int) - 1,
            np.arange(1.0, methods + 1),
            alpha_forms.weighted(ranking, "ordinal"),
        )
        works = [
            lambda _, form=form, images=images: bootstrap.estimate(form, images),
            lambda _, ranking=ranking: package(ranking),
            lambda _, codes=codes, values=values: by_counts(codes, values),
        ]
        line(f"ranks, {images:,} x {methods}", medians(works, rounds))
    for images, methods in RAW:
        raw = scores(images, methods).T
        values = np.unique(raw)
        codes, size = np.searchsorted(values, raw), len(values) ** 2 * 8 / 2**30
        works = [
            lambda _, raw=raw: agreement.alpha(raw),
            lambda _, raw=raw: package(raw),
            lambda _, codes=codes, values=values: by_counts(codes, values),
        ]
        works[1:] = works[1:] if size < 1 else [None, None]
        line(f"raw scores, {images:,} x {methods}", medians(works, 2), f"{size:,.0f} GiB per table of pairs")


def interval(rounds: int) -> None:
    print(f"\n| BCa interval, {RESAMPLES} samples | ours, ms | package in a loop, from rankings | from counts |")
    print("|---|---|---|---|")
    options = {"level": "ordinal", "confidence": 0.95, "resamples": RESAMPLES}
    for title, images, digits in INTERVALS:
        ranking = agreement.ranks(scores(images, 15, digits), True)
        values = np.unique(ranking)
        codes = np.searchsorted(values, ranking)

        def loop(place: int, one: Callable, rows: np.ndarray) -> None:
            rng = np.random.default_rng(place)
            for _ in range(PART):
                one(rows[rng.integers(0, len(rows), len(rows))])

        # Another seed in each round: samples are kept for the next table.
        works = [
            lambda place, ranking=ranking: agreement.interval(ranking, seed=place, **options),
            partial(loop, one=package, rows=ranking),
            partial(loop, one=partial(by_counts, values=values), rows=codes),
        ]
        drawn = next(bootstrap.samples(images, 3, 0))
        again = [package(np.repeat(ranking, weights.astype(int), axis=0)) for weights in drawn]
        gap = abs(alpha_forms.weighted(ranking, "ordinal")(drawn) - again).max()
        times = medians(works, rounds) * [1, RESAMPLES / PART, RESAMPLES / PART]
        line(f"{title}, {images:,} x 15 (same samples: {gap:.0e} apart)", times)


def raw(images: int, methods: int, level: str) -> None:
    values = np.ascontiguousarray(scores(images, methods).T)
    spent = medians([lambda _: agreement.alpha(values, level)], 3)[0]
    tracemalloc.start()
    agreement.alpha(values, level)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    print(
        f"| raw scores, {images:,} x {methods} ({values.nbytes / 2**20:.0f} MiB), {level} | {spent:.2f} | {peak:.0f} |"
    )


def rows() -> None:
    """The commands on 1.5 million rows: six metrics, ten methods, 25,000 images."""
    with TemporaryDirectory() as folder:
        path, output = Path(folder, "scores.csv"), Path(folder, "out.csv")
        with path.open("w") as file:
            file.write("method,metric,image,score\n")
            for metric in ("dauc", "iauc", "dc", "ic", "ad", "add"):
                for place, values in enumerate(scores(25_000, 10)):
                    file.writelines(f"m{place},{metric},{image},{score}\n" for image, score in enumerate(values))
        for command in ("agreement", "ranks", "benchmark-size", "metric-agreement"):
            words = [sys.executable, "-m", "saliency_benchmark", command, path, "--output", output]
            words += [] if command == "benchmark-size" else ["--resamples", "1000"]
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(words, check=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"| `{command}`, 1.5 million rows | {spent:.1f} | |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=["point", "interval", "raw", "rows"])
    parser.add_argument("--process", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.process:
        raw(int(given.process[0]), int(given.process[1]), given.process[2])
        return
    for part in (point, interval):
        if given.only in (None, part.__name__):
            part(given.rounds)
    if given.only in (None, "raw", "rows"):
        print("\n| | seconds | peak, MiB |\n|---|---|---|", flush=True)
    if given.only in (None, "raw"):
        for level in ("ordinal", "interval"):
            subprocess.run([sys.executable, __file__, "--process", "100000", "50", level], check=True)
    if given.only in (None, "rows"):
        rows()


if __name__ == "__main__":
    main()
