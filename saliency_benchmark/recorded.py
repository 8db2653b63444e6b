"""What the jobs of a run that was made took: Snakemake's benchmark files beside its logs, and what jobs left."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pandas as pd

from saliency_benchmark import config, files, roar_design

RUN = "{dataset}/{model}/{recipe}/seed-{seed}"
# By stage: the benchmark file below `logs`, without its ending, and what the job leaves below the results. First come,
# first served.
FORMS = [
    ("prepare_images", "{dataset}/images-{split}", "{dataset}/images/{split}.h5"),
    ("train", f"{RUN}/train", f"{RUN}/model.h5"),
    ("assess", f"{RUN}/assess", ""),
    ("attribute", f"{RUN}/attribute/{{method}}/{{split}}-{{shard}}-of-{{shards}}",
     f"{RUN}/maps/{{method}}/{{split}}-{{shard}}-of-{{shards}}.h5"),
    ("attribute", f"{RUN}/attribute/{{method}}/{{split}}", f"{RUN}/maps/{{method}}/{{split}}.h5"),
    ("rank", f"{RUN}/rank/{{unit}}/{{method}}/{{split}}", f"{RUN}/ranks/{{unit}}/{{method}}/{{split}}.h5"),
    ("degrade", f"{RUN}/roar/degraded/{{method}}", ""),
    ("leak", f"{RUN}/roar/leakage/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}", ""),
    ("retrain_ends", f"{RUN}/roar/{{fill}}/ends/repeat-{{repeat}}", ""),
    ("retrain", f"{RUN}/roar/{{fill}}/{{unit}}/{{order}}/{{method}}/repeat-{{repeat}}", ""),
    ("recurse", f"{RUN}/recursive_roar/{{fill}}/{{unit}}/{{method}}/repeat-{{repeat}}/{{fraction}}",
     f"{RUN}/recursive_roar/{{fill}}/{{unit}}/{{method}}/repeat-{{repeat}}/{{fraction}}-*.h5"),
    ("align", f"{RUN}/align/control", f"{RUN}/alignment/control/model.h5"),
    ("align", f"{RUN}/align/{{masks}}/{{tuned}}/{{method}}/{{direction}}",
     f"{RUN}/alignment/{{masks}}/{{tuned}}/{{method}}/{{direction}}/model.h5"),
    ("bend", f"{RUN}/bend/{{masks}}/{{tuned}}/{{method}}", f"{RUN}/alignment/{{masks}}/{{tuned}}/{{method}}/*/maps.h5"),
    ("probe", f"{RUN}/probe/{{probe}}/{{method}}-{{shard}}-of-{{shards}}",
     f"{RUN}/readings/{{probe}}/{{method}}-{{shard}}-of-{{shards}}.h5"),
    ("probe", f"{RUN}/probe/{{probe}}/{{method}}", f"{RUN}/readings/{{probe}}/{{method}}.h5"),
    ("probe", f"{RUN}/probe/{{probe}}", f"{RUN}/readings/{{probe}}.h5"),
    ("train", f"{RUN}/utility/models/{{pair}}/{{labelling}}", f"{RUN}/utility/models/{{pair}}/{{labelling}}/model.h5"),
    ("pose", f"{RUN}/utility/{{task}}", f"{RUN}/utility/{{task}}/questions.h5"),
    ("explain_items", f"{RUN}/utility/{{task}}/{{explanation}}", f"{RUN}/utility/{{task}}/maps/{{explanation}}.h5"),
    ("simulate", "{dataset}/{model}/{recipe}/utility/{task}/{explanation}", ""),
    ("gather", f"{RUN}/gather/{{what}}/{{which}}", ""),
    ("agree", f"{RUN}/agree/{{metric}}", f"{RUN}/scores/{{metric}}.h5"),
    ("agree_metrics", f"{RUN}/agree_metrics", ""),
    ("compare", "{dataset}/{model}/compare/{metric}", ""),
]  # fmt: skip
# What a stage's jobs call a method or probe, and its bundles of them in the settings.
BUNDLES = {
    "attribute": ("method", lambda settings: settings["explain"]["together"]),
    "probe": ("probe", lambda settings: settings["scoring"]["together"]),
    "explain_items": ("explanation", lambda settings: settings["explain"]["together"]),
    "retrain": ("method", lambda settings: settings["roar"]["bundles"]),
    "leak": ("method", lambda settings: settings["roar"]["bundles"]),
    "recurse": ("method", roar_design.recursive_bundles),
}


@dataclass(frozen=True)
class Job:
    """Its stage, what its name says, and the files that it leaves below the results, as patterns."""

    stage: str
    names: tuple[tuple[str, str], ...]
    leaves: str

    def about(self) -> dict[str, str]:
        return dict(self.names)

    def labels(self, settings: dict) -> tuple[str, ...]:
        """The methods or probes that it works for."""
        kind, bundles = BUNDLES.get(self.stage, ("method", lambda settings: {}))
        name = self.about().get(kind)
        return () if name is None else tuple(bundles(settings).get(name, [name]))

    def repeats(self) -> list[str]:
        """Those that its name tells; none where it tells none."""
        if "repeat" not in self.about():
            return []
        first, _, last = self.about()["repeat"].partition("-to-")
        return [str(one) for one in range(int(first), int(last or first) + 1)]


@dataclass(frozen=True)
class Record:
    """A job that was done, the seconds that it took, and the bytes that it left."""

    job: Job
    seconds: float
    bytes: int


def job(path: str) -> Job | None:
    """The job whose benchmark file is PATH below `logs`; None where no heavy job is called so."""
    for stage, form, leaves in FORMS:
        if found := _pattern(form).fullmatch(path.removesuffix(".tsv")):
            return Job(stage, tuple(found.groupdict().items()), leaves)
    return None


def read(results: str | Path) -> list[Record]:
    """Every job of the run in the folder RESULTS. Raises ValueError where there is none, or a file is no benchmark."""
    folder = Path(results, "logs")
    made = settings(results)
    found = [(job(path.relative_to(folder).as_posix()), path) for path in sorted(folder.rglob("*.tsv"))]
    records = [Record(one, seconds(path), sum(_left(results, one, made))) for one, path in found if one]
    if not records:
        raise ValueError(f"no benchmark files (*.tsv) in {folder}: give the results of a run that was made")
    return records


def seconds(path: Path) -> float:
    """Wall time of the job, the mean where it was repeated."""
    try:
        table = pd.read_csv(path, sep="\t")
        taken = float(pd.to_numeric(table["s"]).mean())
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} is no benchmark file of Snakemake: it has no column of seconds `s`") from error
    if not 0 <= taken < float("inf"):
        raise ValueError(f"{path}: {taken} seconds; delete it, or make the run again")
    return taken


def settings(results: str | Path) -> dict:
    """The settings that the run in RESULTS was made with, as its report notes them."""
    report = Path(results, "report.html")
    try:
        told = files.record(report)["origin"]["settings"]["settings"]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{files.note_path(report)} tells no settings: the run has to be finished") from error
    return config.complete(json.loads(json.dumps(told)))


def _left(results: str | Path, one: Job, made: dict) -> Iterator[int]:
    """Sizes of what the job left, of each member of a bundle and each repeat."""
    kind = BUNDLES.get(one.stage, ("",))[0]
    members = one.labels(made) if kind in one.about() else ("",)
    for member, repeat in product(members, one.repeats() or [""]) if one.leaves else ():
        place = one.leaves.format(**(one.about() | {kind: member, "repeat": repeat}))
        yield from (path.stat().st_size for path in Path(results).glob(place))


def _pattern(form: str) -> re.Pattern:
    named = {"seed": r"\d+", "shard": r"\d+", "shards": r"\d+", "repeat": r"\d+(?:-to-\d+)?", "split": "train|test"}
    return re.compile(
        re.sub(r"\\{(\w+)\\}", lambda name: f"(?P<{name[1]}>{named.get(name[1], '[^/]+')})", re.escape(form))
    )
