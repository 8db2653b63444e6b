"""Who may import whom, and how large things may grow. A failure here is a design decision, not a detail."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from saliency_benchmark import provenance, registry
from tools import envs

ROOT = Path(__file__).parent.parent
LIBRARY, SCRIPTS, RULES = ROOT / "saliency_benchmark", ROOT / "workflow_scripts", ROOT / "rules"
CODE = sorted([*LIBRARY.rglob("*.py"), *SCRIPTS.glob("*.py")])


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module.partition(".")[0])
    return found


def reached(path: Path) -> set[Path]:
    return {each for each in provenance.closure([path]) if each.is_relative_to(LIBRARY) and each != path}


@pytest.mark.parametrize(("package", "owner"), [("h5py", "artifacts.py"), ("krippendorff", "agreement.py"),
                                                ("matplotlib", "figures.py"), ("jsonschema", "config.py"),
                                                ("statsmodels", "regression.py")])  # fmt: skip
def test_one_file_owns_each_outside_format(package, owner):
    assert [path.name for path in CODE if package in imports(path)] == [owner]


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_the_library_does_not_know_snakemake(path):
    names = {node.id for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Name)}
    assert "snakemake" not in names | imports(path)


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_scripts_stay_thin(path):
    tree = ast.parse(path.read_text())
    ideas = ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.For | ast.While | ast.If | ast.IfExp | ast.Try
    assert not [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ideas)]
    assert len(path.read_text().splitlines()) <= 25


@pytest.mark.parametrize("path", sorted(LIBRARY.rglob("*.py")), ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_imports_run_one_way(path):
    assert path not in {deeper for each in reached(path) for deeper in reached(each)}


@pytest.mark.parametrize("kind", registry.FUNCTIONS)
def test_only_its_neighbours_import_a_registry_entry_by_name(kind):
    entries = {LIBRARY / kind / f"{name}.py" for name in registry.names(kind)}
    outside = [path for path in CODE if path.parent != LIBRARY / kind]
    assert not [path for path in outside if entries & set(provenance._local_imports(path))]


@pytest.mark.parametrize(
    "script",
    [
        "agree",
        "rank",
        "report",
        "summarise_robustness",
        "regress_robustness",
        *(path.stem for path in SCRIPTS.glob("tabulate*.py")),
    ],
)
def test_jobs_that_only_read_numbers_do_not_import_torch(script):
    assert " torch=" not in provenance.code_digest(f"{script}.py")


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_functions_stay_small(path):
    assert len(path.read_text().splitlines()) <= 240
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            body = node.end_lineno - node.body[0].lineno + 1
            assert body <= 45, f"{node.name}: {body} lines"


@pytest.mark.parametrize("path", [ROOT / "Snakefile", *sorted(RULES.glob("*.smk"))], ids=lambda path: path.name)
def test_rules_avoid_what_snakemake_gets_wrong(path):
    text = path.read_text()
    assert not re.search(r"^\s+(retries|cache|run|shell):", text, re.MULTILINE)
    for rule in re.split(r"^rule ", text, flags=re.MULTILINE)[1:]:
        name = rule.partition(":")[0]
        assert name == "all" or {"log:", "conda:", "params:", "script:"} <= set(
            re.findall(r"^    (\w+:)", rule, re.M)
        ), name


@pytest.mark.parametrize("path", sorted(RULES.glob("*.smk")), ids=lambda path: path.name)
def test_every_rule_says_what_it_asks_of_a_cluster_in_the_words_of_one_place(path):
    for rule in re.split(r"^ *rule\b.*:$", path.read_text(), flags=re.MULTILINE)[1:]:
        assert len(re.findall(r"^ +resources:\n +\*\*asks\(", rule, re.MULTILINE)) == 1, rule
        assert not re.search(r"^ +(mem_mb|runtime|gpu|gres|slurm_\w+|group)\b *[:=]", rule, re.MULTILINE), rule


def test_every_local_rule_exists():
    text = (RULES / "resources.smk").read_text()
    named = re.findall(r"^    (\w+),$", text[text.index("localrules:") :], re.MULTILINE)
    rules = {name for path in RULES.glob("*.smk") for name in re.findall(r"^rule (\w+):", path.read_text(), re.M)}
    assert named
    assert set(named) <= rules


def test_the_default_profile_is_the_local_one_and_only_clusters_retry():
    profiles = {
        path.parent.name: yaml.safe_load(path.read_text()) for path in (ROOT / "profiles").glob("*/config.yaml")
    }
    assert profiles["default"] == profiles["local"]
    assert "retries" not in profiles["local"]
    assert profiles["slurm"]["retries"] > 0
    assert profiles["slurm"]["slurm-status-command"] == "squeue"


def test_the_tests_profile_differs_from_the_clusters_in_its_waits_and_logs_alone():
    ours, theirs = (yaml.safe_load((ROOT / place / "config.yaml").read_text())
                    for place in ("profiles/slurm", "tests/slurm/profile"))  # fmt: skip
    other = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    assert other <= {"jobs", "latency-wait", "slurm-init-seconds-before-status-checks", "slurm-keep-successful-logs",
                     "slurm-delete-logfiles-older-than"}  # fmt: skip


def test_the_conda_environments_have_the_pins_of_the_lock():
    for name in envs.PACKAGES:
        assert (ROOT / "envs" / f"{name}.yaml").read_text() == envs.environment(name)


def test_the_lock_pins_everything_that_is_asked_for():
    lines = (ROOT / "requirements.in").read_text().splitlines()
    asked = [line for line in lines if line and not line.startswith("#")]
    for line in asked:
        name, _, version = line.partition("==")
        assert envs.pin(name) == (version or envs.pin(name))
    assert not [line for line in (ROOT / "requirements.lock").read_text().splitlines() if "+" in line and "==" in line]


def test_profiles_leave_the_decision_what_is_out_of_date_to_the_contents():
    for path in (ROOT / "profiles").glob("*/config.yaml"):
        assert yaml.safe_load(path.read_text())["rerun-triggers"] == ["software-env"], path
