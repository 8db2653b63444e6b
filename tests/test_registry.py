"""Entries are found by name, here or elsewhere; a wrong name is answered with the right ones."""

import pytest

from saliency_benchmark import provenance, registry


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(
        ValueError, match=r"no 'gradcam' in methods/ \(did you mean 'grad_cam'\?\); it holds: .*grad_cam, .*gradient"
    ):
        registry.file("methods", "gradcam", {})


@pytest.mark.parametrize("kind", registry.FUNCTIONS)
def test_every_file_of_a_registry_has_its_function(kind):
    for name in registry.names(kind):
        assert provenance.defines(registry.file(kind, name, {}), registry.FUNCTIONS[kind]), f"{kind}/{name}.py"


def test_a_function_elsewhere_is_an_entry(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_metrics.py").write_text(
        "HIGHER_IS_BETTER = False\n\n\ndef mine(maps):\n    return maps.sum((1, 2))\n"
    )
    entry = {"call": "my_metrics:mine"}
    assert registry.file("metrics", "own", entry) == tmp_path / "my_metrics.py"
    module = registry.load("metrics", "own", entry)
    assert module.HIGHER_IS_BETTER is False
    assert module.score.__name__ == "mine"
