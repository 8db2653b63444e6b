"""A run as a Workflow Run RO-Crate: its settings, code, tables, report and artifacts, and which job made which.

The form is the Provenance Run Crate 0.5 (https://w3id.org/ro/wfrun/provenance/0.5) on RO-Crate 1.1. The only module
that knows rocrate.
"""

import json
from pathlib import Path
from uuid import UUID, uuid5

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from saliency_benchmark import crate_files, provenance
from saliency_benchmark.lineage import Results

CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
PROFILES = {f"https://w3id.org/ro/wfrun/{name}/0.5": f"{name.title()} Run Crate" for name in
            ("process", "workflow", "provenance")}  # fmt: skip
PROFILES["https://w3id.org/workflowhub/workflow-ro-crate/1.0"] = "Workflow RO-Crate"
LICENCE = "https://spdx.org/licenses/GPL-3.0-or-later"
FORMATS = {
    ".h5": "application/x-hdf5",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".py": "text/x-python",
    ".yaml": "application/yaml",
}
# Numbers of entities follow from their names, so that one run gives one crate.
NAMES = UUID("5b0f3f0e-6d0c-4b57-9a7b-0d6c2f5a7a11")
WORKFLOW = ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"]
UNNAMED = "Who ran the workflow is not on record; `export --agent NAME` names them."


def export(results: Results, folder: Path, light: bool = False, agent: str = "") -> None:
    """Write the crate of RESULTS to the new FOLDER.

    LIGHT: without the files of arrays, of which digests and records stay. AGENT: who ran it; nobody is named if empty.
    """
    manifest = crate_files.gather(results, folder, light)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(CONTEXT)
    _describe(crate, manifest, light)
    _Run(crate, folder, manifest, results, agent).add()
    crate.write(folder)
    _tidy(folder)


def _describe(crate: ROCrate, manifest: dict, light: bool) -> None:
    crate.name = "A run of the saliency benchmark"
    left = f"; {len(manifest['withheld'])} files of arrays are told of and not packed" if light else ""
    crate.description = f"Settings, code, artifacts, tables and report, and which job made which{left}."
    crate.license = LICENCE
    for profile, name in PROFILES.items():
        version = profile.rpartition("/")[2]
        told = {"@type": "CreativeWork", "name": name, "version": version}
        crate.root_dataset.append_to("conformsTo", crate.add(ContextEntity(crate, profile, told)))


def _tidy(folder: Path) -> None:
    """The metadata with its entities and keys in order: the same run gives the same bytes."""
    path = folder / "ro-crate-metadata.json"
    told = json.loads(path.read_text())
    first = {"ro-crate-metadata.json": 0, "./": 1}
    told["@graph"].sort(key=lambda entity: (first.get(entity["@id"], 2), entity["@id"]))
    path.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")


class _Run:
    """The entities of one run: files, rules as steps and tools, jobs as actions."""

    def __init__(self, crate: ROCrate, folder: Path, manifest: dict, results: Results, agent: str) -> None:
        self._crate, self._folder, self._manifest, self._results = crate, folder, manifest, results
        self._jobs = crate_files.jobs(results, manifest)
        self._span = crate_files.span(results)
        told = {"name": agent} if agent else {"name": "unnamed", "description": UNNAMED}
        self._agent = self._context("#agent", "Person" if agent else "Organization", **told)

    def add(self) -> None:
        self._files = {name: self._file(name, facts) for name, facts in self._manifest["files"].items()}
        self._files |= {name: self._withheld(name, facts) for name, facts in self._manifest["withheld"].items()}
        self._workflow = self._main()
        actions = [self._job(number, job) for number, job in enumerate(self._jobs)]
        begun, ended = self._span
        facts = {"startTime": begun, "endTime": ended} if begun else {}
        run = self._context("#run", "CreateAction", name="Run of the workflow", **facts)
        run["instrument"], run["agent"] = self._workflow, self._agent
        run["object"] = self._files[crate_files.SETTINGS]
        run["result"] = [self._files[name] for name in crate_files.results_shown(self._manifest)]
        self._crate.root_dataset["mentions"] = [run, *(action for action, _ in actions)]
        self._crate.root_dataset["datePublished"] = ended or "1970-01-01T00:00:00+00:00"
        name = f"Snakemake {provenance.version('snakemake')}"
        engine = self._context("#snakemake", "SoftwareApplication", name="Snakemake", url="https://snakemake.github.io",
                               softwareVersion=provenance.version("snakemake"))  # fmt: skip
        control = self._context("#engine-run", "OrganizeAction", name=f"Run of {name}", **facts)
        control["instrument"], control["agent"], control["result"] = engine, self._agent, run
        control["object"] = [action for _, action in actions]

    def _main(self) -> object:
        """The Snakefile, with a step and a tool for each rule."""
        language = self._context("#language", "ComputerLanguage", name="Snakemake", url="https://snakemake.github.io",
                                 identifier={"@id": "https://snakemake.github.io"})  # fmt: skip
        workflow = self._files["Snakefile"]
        workflow["programmingLanguage"] = language
        self._crate.root_dataset["mainEntity"] = workflow
        self._steps = {}
        for position, rule in enumerate(dict.fromkeys(job["rule"] for job in self._jobs)):
            tool = self._context(f"#rule-{rule}", "SoftwareApplication", name=rule, description=f"The rule {rule}.",
                                 url=f"#rule-{rule}", softwareVersion="see the code of its jobs")  # fmt: skip
            step = self._context(f"#step-{rule}", "HowToStep", name=rule, position=str(position))
            step["workExample"] = tool
            workflow.append_to("step", step)
            workflow.append_to("hasPart", tool)
            self._steps[rule] = (step, tool)
        return workflow

    def _job(self, number: int, job: dict) -> tuple[object, object]:
        """A job's action, and the step's control of it."""
        step, tool = self._steps[job["rule"]]
        names = ", ".join(f"{key} {value}" for key, value in job["wildcards"].items())
        told = {
            "name": f"{job['rule']} {names}".strip(),
            "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
        }
        told |= {name: job[key] for name, key in (("startTime", "start"), ("endTime", "end")) if job.get(key)}
        told |= {"description": f"ran on {job['host']}"} if job.get("host") else {}
        action = self._context(f"#job-{uuid5(NAMES, json.dumps(job['outputs']))}", "CreateAction", **told)
        values = [self._value(number, key, value) for key, value in job["settings"].items()]
        action["instrument"], action["agent"] = tool, self._agent
        action["object"] = [self._files[name] for name in job["inputs"]] + values
        action["result"] = [self._files[name] for name in job["outputs"]]
        control = self._context(f"#control-{number}", "ControlAction", name=f"control of {told['name']}")
        control["instrument"], control["object"] = step, action
        return action, control

    def _value(self, number: int, name: str, value: object) -> object:
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        return self._context(f"#job-{number}-{name}", "PropertyValue", name=name, value=text)

    def _file(self, name: str, facts: dict) -> object:
        told = {"name": name, "contentSize": str(facts["size"]), "sha256": facts["sha256"]}
        told["encodingFormat"] = FORMATS.get(Path(name).suffix, "text/plain")
        told["@type"] = WORKFLOW if name == "Snakefile" else "File"
        return self._crate.add_file(self._folder / name, name, properties=told)

    def _withheld(self, name: str, facts: dict) -> object:
        told = {"name": name, "contentSize": str(facts["size"]), "sha256": facts["sha256"],
                "description": "not packed; content and origin stand in manifest.json"}  # fmt: skip
        return self._context(f"#{name}", "CreativeWork", **told)

    def _context(self, at: str, kind: str, **told: object) -> object:
        return self._crate.add(ContextEntity(self._crate, at, {"@type": kind, **told}))
