"""What code an artifact depends on, and what does not count as a change."""

import pytest

from saliency_benchmark import provenance, registry


def closure(script, *entries):
    entries = [provenance.LIBRARY / entry for entry in entries]
    paths = provenance.closure([provenance.ROOT / "workflow_scripts" / script, *entries])
    return {path.relative_to(provenance.ROOT).as_posix() for path in paths}


@pytest.mark.parametrize(
    "script", ["prepare_images.py", "train.py", "assess.py", "attribute.py", "rank.py", "retrain.py"]
)
def test_no_metric_can_make_a_model_or_a_map_out_of_date(script):
    assert not [path for path in closure(script) if "metrics/" in path or "scoring" in path or "agreement" in path]


@pytest.mark.parametrize("script", ["prepare_images.py", "train.py", "attribute.py"])
def test_masking_can_make_no_model_and_no_map_out_of_date(script):
    for recipe in registry.names("recipes"):
        assert "saliency_benchmark/masking.py" not in closure(script, f"recipes/{recipe}.py")
    for method in registry.names("methods"):
        assert "saliency_benchmark/masking.py" not in closure(script, f"methods/{method}.py")


@pytest.mark.parametrize("entry", ["rank.py", "retrain.py", "probes/perturbation.py", "probes/road.py"])
def test_masking_makes_out_of_date_what_masks(entry):
    script, entries = ("probe.py", [entry]) if "/" in entry else (entry, [])
    assert "saliency_benchmark/masking.py" in closure(script, *entries)


def test_a_method_sees_no_other_method():
    seen = closure("attribute.py", "methods/gradient.py")
    assert {path for path in seen if "/methods/" in path} == {
        "saliency_benchmark/methods/__init__.py",
        "saliency_benchmark/methods/gradient.py",
    } - ({"saliency_benchmark/methods/__init__.py"} - seen)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ('"""Other words."""\nimport numpy\n\nX = 1  # a comment\n', True),
        ("import numpy\nX=(1)\n", True),
        ("import numpy\nX = 2\n", False),
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path, text, same):
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text('"""Words."""\nimport numpy\nX = 1\n')
    other.write_text(text)
    assert (provenance._meaning(one) == provenance._meaning(other)) == same


def test_what_was_found_in_files_is_noted_by_their_contents(tmp_path, monkeypatch):
    one, notes = tmp_path / "one.py", tmp_path / "notes" / "code.json"
    one.write_text("import numpy\nX = 1\n")

    def fresh(path):
        """As a new process sees it, after NOTES: -> a digest, the packages, and whether anything was parsed."""
        for known in (provenance._meaning, provenance._packages, provenance._tree):
            known.cache_clear()
        monkeypatch.setattr(provenance, "_noted", {})
        monkeypatch.setattr(provenance, "_used", set())
        provenance.recall(notes)
        known = len(provenance._noted)
        told = provenance._meaning(path), provenance._packages(path)
        parsed = len(provenance._noted) > known
        provenance.note(notes)
        return *told, parsed

    first = fresh(one)
    assert first[1:] == ({"numpy"}, True)
    assert fresh(one) == (*first[:2], False)
    one.write_text("import torch\nX = 2\n")
    other = fresh(one)
    assert other[0] != first[0]
    assert other[1:] == ({"torch"}, True)
    for spoilt in ("", "{", "[]", '{"form": "of another Python", "files": {}}', '{"form": 1}'):
        notes.write_text(spoilt)
        assert fresh(one) == other


def test_versions_of_the_packages_that_are_reached_are_part_of_the_digest():
    assert " matplotlib=" in provenance.code_digest("report.py")
    assert " matplotlib=" not in provenance.code_digest("agree.py")
    assert " zennit=" in provenance.code_digest("attribute.py", provenance.LIBRARY / "methods/lrp_epsilon_plus_flat.py")
    assert " zennit=" not in provenance.code_digest("attribute.py", provenance.LIBRARY / "methods/gradient.py")


def test_the_build_of_a_package_is_not_its_version():
    assert "+" not in provenance.version("torch")


def test_the_template_of_the_report_counts_as_its_code():
    assert "saliency_benchmark/report.html.j2" in closure("report.py")


def test_an_entry_elsewhere_brings_the_files_that_it_imports(tmp_path):
    (tmp_path / "own").mkdir()
    for name, text in {
        "__init__": "",
        "method": "from own import helper\nfrom . import other\n",
        "helper": "",
        "other": "",
    }.items():
        (tmp_path / "own" / f"{name}.py").write_text(text)
    found = {path.stem for path in provenance.closure([tmp_path / "own" / "method.py"]) if tmp_path in path.parents}
    assert found == {"__init__", "method", "helper", "other"} or found == {"method", "helper", "other"}


def test_a_constant_is_read_without_importing(tmp_path):
    (tmp_path / "entry.py").write_text("import nothing_of_this_name\nGROUP: str = 'mine'\nHIGHER_IS_BETTER = True\n")
    assert provenance.constant(tmp_path / "entry.py", "GROUP") == "mine"
    assert provenance.constant(tmp_path / "entry.py", "HIGHER_IS_BETTER") is True
    assert provenance.constant(tmp_path / "entry.py", "PROBE") is None


def test_options_are_read_where_they_can_be_told(tmp_path):
    path = tmp_path / "own.py"
    path.write_text(
        "from elsewhere import far\nalso = far\n\n\ndef near(model, images, power=2, *, must, may=1):\n    ...\n\n\n"
        "def anything(model, **options):\n    ...\n"
    )
    assert provenance.options(path, "near") == {"power": True, "must": False, "may": True}
    assert provenance.options(path, "anything") is None
    assert provenance.options(path, "far") is None
    assert all(provenance.defines(path, name) for name in ("near", "far", "also", "anything"))
    assert not provenance.defines(path, "nothing")
