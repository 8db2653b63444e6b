"""A run is packed as a crate, and whoever gets it can tell whether it is still that run."""

import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import pytest

from saliency_benchmark import archives, crate_check, files
from saliency_benchmark.__main__ import main
from tests import small_run
from tests.small_run import MODEL

MAPS = f"results/{MODEL}/maps/gradient/test.h5"
# The terms of https://w3id.org/ro/terms/workflow-run, for a validator that asks nothing of the net.
TERMS = ("ParameterConnection", "ContainerImage", "DockerImage", "SIFImage", "connection", "sourceParameter",
         "targetParameter", "md5", "sha1", "sha256", "sha512", "environment", "registry", "tag", "containerImage",
         "resourceUsage")  # fmt: skip
SEED = """
import io, sys
from requests import Request, Response
from requests_cache import CachedSession
from urllib3 import HTTPResponse
session = CachedSession(cache_name=sys.argv[1], backend="sqlite", expire_after=-1, allowable_methods=("GET",))
for url, path in zip(sys.argv[2::2], sys.argv[3::2]):
    body = open(path, "rb").read()
    for accept in ("application/ld+json, application/json", "application/ld+json", "*/*"):
        asked = session.prepare_request(Request("GET", url, headers={"Accept": accept}))
        got = Response()
        got.status_code, got._content, got.url, got.request, got.encoding = 200, body, url, asked, "utf-8"
        got.headers["Content-Type"] = "application/ld+json"
        got.raw = HTTPResponse(body=io.BytesIO(body), headers=dict(got.headers), status=200, preload_content=False,
                               request_url=url)
        session.cache.save_response(got)
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return small_run.make(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module", params=["full", "light"])
def packed(run, request, tmp_path_factory):
    """A crate with all files, and one without the files of arrays."""
    folder = tmp_path_factory.mktemp("crates") / request.param
    words = ["export", str(run), "--output", str(folder)] + (["--light"] if request.param == "light" else [])
    assert main(words) == 0
    return folder


@pytest.fixture
def crate(packed, tmp_path):
    return Path(shutil.copytree(packed, tmp_path / packed.name))


def found(crate):
    return {(each.kind, each.path) for each in crate_check.check(crate)[1]}


def test_a_crate_holds_the_settings_the_code_the_tables_and_the_report(packed):
    for name in ("settings.yaml", "Snakefile", "rules/common.smk", "workflow_scripts/agree.py", "requirements.lock",
                 "envs/torch.yaml", "saliency_benchmark/agreement.py", "results/tables/agreement.csv",
                 "results/tables/agreement.csv.origin.json", "results/report.html", "results/chain.json"):  # fmt: skip
        assert (packed / name).is_file(), name
    assert (packed / MAPS).is_file() == (packed.name == "full")
    assert not list(packed.rglob("__pycache__"))


def test_a_crate_verifies_as_a_folder_and_as_a_zip(crate, tmp_path, capsys):
    assert main(["verify", str(crate)]) == 0
    assert main(["audit", str(crate)]) == 0
    archives.pack(crate, tmp_path / "c.zip")
    assert main(["verify", str(tmp_path / "c.zip")]) == 0
    assert "all is well" in capsys.readouterr().out


def test_the_same_run_gives_the_same_crate(run, tmp_path):
    for name in ("a.zip", "b.zip"):
        assert main(["export", str(run), "--output", str(tmp_path / name)]) == 0
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_every_job_tells_its_rule_inputs_outputs_settings_and_times(packed):
    graph = {each["@id"]: each for each in json.loads((packed / "ro-crate-metadata.json").read_text())["@graph"]}
    actions = [each for each in graph.values() if each["@type"] == "CreateAction" and each["@id"] != "#run"]
    assert len(actions) == 10
    name = MAPS if packed.name == "full" else f"#{MAPS}"
    (job,) = [each for each in actions if {"@id": name} in each["result"]]
    assert job["instrument"] == {"@id": "#rule-attribute"}
    objects = [graph[each["@id"]] for each in job["object"]]
    assert {each["name"] for each in objects} == {f"results/{MODEL}/model.h5", "results/planted/images/test.h5",
                                                  "methods", "explain", "code"}  # fmt: skip
    assert job["startTime"] <= job["endTime"]
    assert graph["#agent"]["name"] == "unnamed"


def test_whoever_ran_it_is_named_if_they_are(run, tmp_path):
    assert main(["export", str(run), "--output", str(tmp_path / "crate"), "--light", "--agent", "A. Person"]) == 0
    graph = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    assert {"@id": "#agent", "@type": "Person", "name": "A. Person"} in graph


@pytest.mark.parametrize(
    "name", ["results/tables/agreement.csv", "saliency_benchmark/agreement.py", "settings.yaml", "results/chain.json"]
)
def test_a_changed_or_missing_file_is_named(crate, name):
    (crate / name).write_text((crate / name).read_text() + "\n")
    assert found(crate) == {("altered", name)}
    (crate / name).unlink()
    assert found(crate) == {("missing", name)}


def test_a_stranger_s_file_is_named(crate):
    (crate / "more.txt").write_text("1")
    assert found(crate) == {("unknown", "more.txt")}


def test_a_manifest_edited_to_match_does_not_match_the_description(crate):
    path, name = crate / "manifest.json", "results/tables/scores.csv"
    (crate / name).write_text((crate / name).read_text().replace("gradient", "smoothgrad_3", 1))
    told = json.loads(path.read_text())
    told["files"][name]["sha256"] = files.content(crate / name)
    path.write_text(json.dumps(told))
    assert found(crate) == {("altered", name), ("altered", "manifest.json")}


def sign(crate):
    """Edit manifest and description until both agree with the files."""
    path, about = crate / "manifest.json", crate / "ro-crate-metadata.json"
    told, text = json.loads(path.read_text()), about.read_text()
    for name, facts in told["files"].items():
        now = files.content(crate / name)
        text, facts["sha256"] = text.replace(facts["sha256"], now), now
    before = files.content(path)
    path.write_text(json.dumps(told))
    about.write_text(text.replace(before, files.content(path)))


def test_a_table_changed_with_manifest_and_description_does_not_match_its_own_note(crate):
    name = "results/tables/scores.csv"
    (crate / name).write_text((crate / name).read_text().replace("gradient", "smoothgrad_3", 1))
    sign(crate)
    assert found(crate) == {("altered", "tables/scores.csv")}


def test_code_changed_with_manifest_and_description_is_not_the_code_that_made_it(crate):
    path = crate / "saliency_benchmark/methods/smoothgrad.py"
    path.write_text(path.read_text() + "\nMORE = 1\n")
    sign(crate)
    assert found(crate) == {("other code", f"{MODEL}/maps/smoothgrad_3/test.h5")}


def test_a_run_that_is_not_sound_is_not_packed(run, tmp_path, capsys):
    copy = Path(shutil.copytree(run, tmp_path / "results"))
    (copy / "tables/scores.csv").unlink()
    assert main(["export", str(copy), "--output", str(tmp_path / "crate")]) == 1
    assert "missing: tables/scores.csv" in capsys.readouterr().err
    assert not (tmp_path / "crate").exists()
    assert main(["export", str(run), "--output", str(tmp_path)]) == 1
    assert "is there already" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["{", "{}", '{"files": {"../up": {}}, "withheld": {}}'])
def test_a_crate_with_a_broken_manifest_is_a_clear_error(crate, text, capsys):
    (crate / "manifest.json").write_text(text)
    assert main(["verify", str(crate)]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_an_array_that_would_be_read_from_elsewhere_is_not_read(run, tmp_path):
    crate = tmp_path / "crate"
    assert main(["export", str(run), "--output", str(crate)]) == 0
    with h5py.File(crate / MAPS, "r+") as file:
        del file["label"]
        file["label"] = h5py.ExternalLink("/etc/hostname", "label")
    sign(crate)
    assert found(crate) == {("altered", MAPS)}


@pytest.mark.skipif(not importlib.util.find_spec("rocrate_validator"), reason="pip install roc-validator")
def test_a_validator_finds_a_provenance_run_crate(packed, tmp_path):
    import rocrate

    base, terms = tmp_path / "base.jsonld", tmp_path / "terms.jsonld"
    shipped = json.loads((Path(rocrate.__file__).parent / "data/ro-crate.jsonld").read_text())
    # That of RO-Crate 1.3: of the terms used here 1.1 has another name for this one alone.
    shipped["@context"]["ComputationalWorkflow"] = "https://bioschemas.org/ComputationalWorkflow"
    base.write_text(json.dumps(shipped))
    told = {term: f"https://w3id.org/ro/terms/workflow-run#{term}" for term in TERMS}
    terms.write_text(json.dumps({"@context": told}))
    contexts = ["https://w3id.org/ro/crate/1.1/context", base, "https://w3id.org/ro/terms/workflow-run/context", terms]
    cache = tmp_path / "cache"
    subprocess.run([sys.executable, "-c", SEED, cache, *contexts], check=True, capture_output=True)
    words = ["-y", "--disable-color", "validate", "--offline", "--cache-path", cache, "--no-paging", "-l", "required"]
    program = Path(sys.executable).with_name("rocrate-validator")
    command = [program, *words, "-p", "provenance-run-crate-0.5", packed]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_archives_do_not_write_outside_of_their_folder(tmp_path, capsys):
    for name in ("../up.txt", "/tmp/up.txt", "a/../../up.txt", "C:\\up.txt", "..\\up.txt"):
        with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
            file.writestr(name, "x")
        assert main(["verify", str(tmp_path / "evil.zip")]) == 1
        assert "leads out of its folder" in capsys.readouterr().err
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as file:
        file.writestr(link, "/etc")
    assert main(["verify", str(tmp_path / "evil.zip")]) == 1
    assert "is a link" in capsys.readouterr().err
    assert not (tmp_path.parent / "up.txt").exists()


def test_a_crate_with_a_link_out_of_it_is_not_read(crate, capsys):
    (crate / "settings.yaml").unlink()
    (crate / "settings.yaml").symlink_to("/etc/hostname")
    assert main(["verify", str(crate)]) == 1
    assert "is a link out of the crate" in capsys.readouterr().err


def test_no_zip_is_a_clear_error(tmp_path, capsys):
    (tmp_path / "a.zip").write_text("no")
    for name in ("a.zip", "b.zip"):
        assert main(["verify", str(tmp_path / name)]) == 1
    assert "no whole zip file" in (told := capsys.readouterr().err)
    assert "there is no crate" in told


def test_names_that_stay_inside_stay_inside(tmp_path):
    for name in ("a", "a/b.csv", "a b/..c"):
        assert archives.inside(tmp_path, name) == tmp_path / name
    with pytest.raises(ValueError, match="leads out of its folder"):
        archives.inside(tmp_path, "")
