"""A job that does the work of several: each of its files is made, and says of itself, as by a job of its own.

Such a job has a param `members`, in the order of its outputs. A member tells its `rule`, and what is its own beside
what all share: `wildcards`, `settings` (params) and `inputs` (paths). A job of one work is a job of one member.
"""

from dataclasses import dataclass
from types import SimpleNamespace

from saliency_benchmark import artifacts, files


@dataclass(frozen=True)
class Member:
    """What a job of its own would be told, and would leave: each of its outputs is one file."""

    rule: str
    wildcards: dict[str, str]
    settings: dict
    inputs: dict[str, list[str]]
    outputs: dict[str, str]
    name: str

    def origin(self) -> dict:
        """What its files say that they come from; reads what its inputs say of themselves."""
        return artifacts.origin(
            SimpleNamespace(rule=self.rule, wildcards=self.wildcards, params=self.settings, input=self.inputs)
        )


def of(job: object) -> list[Member]:
    """Those of JOB, which has `wildcards`, `params`, `input` and `output`, each with items."""
    shared, inputs = dict(job.params.items()), {name: files.listed(paths) for name, paths in job.input.items()}
    outputs = {name: files.listed(paths) for name, paths in job.output.items()}
    return [
        Member(
            own["rule"],
            dict(job.wildcards.items()) | own["wildcards"],
            {name: value for name, value in shared.items() if name != "members"} | own["settings"],
            inputs | own["inputs"],
            {name: paths[place] for name, paths in outputs.items()},
            _name(own["wildcards"]),
        )
        for place, own in enumerate(shared["members"])
    ]


def _name(wildcards: dict[str, str]) -> str:
    """For the log: what tells a member from the others."""
    return " ".join(value if name == "method" else f"{name} {value}" for name, value in wildcards.items())
