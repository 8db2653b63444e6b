"""A job's log tells how far it is, what went wrong, and every warning."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
START = "import warnings\nfrom saliency_benchmark import progress\nprogress.log_to('job.log')\n"


def log_of(tmp_path, code):
    done = subprocess.run([sys.executable, "-c", START + code], cwd=tmp_path, capture_output=True, text=True,
                          env={"PYTHONPATH": str(ROOT)})  # fmt: skip
    return done, (tmp_path / "job.log").read_text()


def test_rate_and_time_left_are_told(tmp_path):
    code = "work = progress.Progress('explaining', 4)\nwork.add(1)\nwork.add(3, 'loss 0.5')\n"
    _, log = log_of(tmp_path, code)
    assert "explaining: 4 of 4 images" in log
    assert "images/s, 0 s left, loss 0.5" in log


def test_an_error_and_a_warning_stand_in_the_log(tmp_path):
    done, log = log_of(tmp_path, "warnings.warn('beware')\nraise ValueError('found 1, wanted 2')\n")
    assert done.returncode == 1
    assert "beware" in log
    assert "ValueError: found 1, wanted 2" in log
    assert "ValueError: found 1, wanted 2" in done.stderr
