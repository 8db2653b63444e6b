"""`make run`: names the report, refuses while another is at work, and goes on after one that was killed."""

import subprocess
import sys

import pytest

from tools import run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A project with a program `snakemake` that notes how it was called, and sleeps if asked to."""
    program = tmp_path / "snakemake"
    text = "import sys, time\nopen('calls', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
    program.write_text(
        f"#!{sys.executable}\n{text}time.sleep(60 if 'sleep' in sys.argv else 0)\nsys.exit('fail' in sys.argv)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "SNAKEMAKE", [str(program), "--quiet", "rules"])
    return tmp_path


def start(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["run.py", *words])
    return run.main()


def test_names_the_report_when_all_went_well(folder, monkeypatch, capsys):
    assert start(monkeypatch) == 0
    assert str(folder / "results" / "report.html") in capsys.readouterr().out
    assert (folder / "calls").read_text() == "--quiet rules\n"


def test_tells_what_to_do_when_it_did_not(folder, monkeypatch, capsys):
    assert start(monkeypatch, "fail") == 1
    assert "`make run` goes on from here" in capsys.readouterr().err


def test_removes_the_lock_of_a_killed_run(folder, monkeypatch):
    (folder / ".snakemake" / "locks").mkdir(parents=True)
    (folder / ".snakemake" / "locks" / "0.input.lock").touch()
    assert start(monkeypatch, "-n") == 0
    assert (folder / "calls").read_text() == "--unlock --quiet all\n--quiet rules -n\n"


def test_refuses_while_another_is_at_work(folder, monkeypatch, capsys):
    other = subprocess.Popen([sys.executable, str(folder / "snakemake"), "sleep"], cwd=folder)
    try:
        while not (folder / "calls").exists():
            assert other.poll() is None
        assert start(monkeypatch) == 1
        assert f"process {other.pid}" in capsys.readouterr().err
    finally:
        other.kill()
        other.wait()
