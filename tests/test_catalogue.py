"""The registries are listed as their files are."""

import pytest

from saliency_benchmark import catalogue, registry
from saliency_benchmark.__main__ import main
from tests.test_architecture import ROOT


@pytest.mark.parametrize("kind", registry.FUNCTIONS)
def test_every_entry_is_listed_once_with_its_options(kind, capsys):
    assert main(["list", kind]) == 0
    shown = capsys.readouterr().out
    assert shown == catalogue.table(kind)
    for name in registry.names(kind):
        assert shown.count(f"| `{name}` |") == 1


def test_a_row_says_what_an_entry_is_and_what_it_takes():
    row = next(line for line in catalogue.table("methods").splitlines() if line.startswith("| `random` |"))
    assert row.split(" | ")[1:] == [
        "controls",
        "Control: uniform noise that looks at neither the model nor what is in the image",
        "`seed: 0`, `redraw: False` |",
    ]


def test_a_row_of_a_metric_says_which_way_is_better_and_what_it_reads():
    rows = catalogue.table("metrics").splitlines()
    found = {row.split(" | ")[0].strip("| `"): row.split(" | ")[1:6] for row in rows}
    assert found["dauc"] == ["faithfulness", "lower", "signed", "perturbation", "probability"]
    assert found["relevance_mass"] == ["localisation", "higher", "positive", "maps", ""]


@pytest.mark.parametrize("kind", ["methods", "metrics"])
def test_the_list_in_the_docs_is_the_one_that_is_printed(kind):
    assert (ROOT / f"docs/{kind}.md").read_text().endswith("\n\n" + catalogue.table(kind))


def test_an_unknown_kind_is_answered_with_the_known_ones(capsys):
    assert main(["list", "method"]) == 1
    assert "there are: datasets, methods" in capsys.readouterr().err


def test_every_test_that_the_list_of_library_errors_names_is_there():
    text = (ROOT / "docs/libraries.md").read_text()
    names = {word.strip("`") for word in text.split() if word.startswith("`test_")}
    tests = "".join(path.read_text() for path in (ROOT / "tests").glob("test_*.py"))
    assert len(names) > 10
    assert not [name for name in names if f"def {name}(" not in tests]
