"""Jobs of a killed start are found in the queue, by their folder."""

import pytest

from saliency_benchmark import live_jobs

LISTING = """\
7|7|RUNNING|{here}|rule_attribute_wildcards_fashion_small_cnn_baseline_0_gradient_test
8|8_3|PENDING|{here}/|rule_train
9|9|RUNNING|/elsewhere|rule_train_wildcards_a
10|10|RUNNING|{here}|
11|11|RUNNING|{here}|my own|note
12|12|COMPLETING|{here}|rule_probe_wildcards_a|b
"""


def test_only_what_snakemake_submitted_from_this_folder_counts(tmp_path):
    found = live_jobs.parsed(LISTING.format(here=tmp_path), tmp_path)
    assert [(job.number, job.state, job.does) for job in found] == [
        ("7", "RUNNING", "attribute: fashion_small_cnn_baseline_0_gradient_test"),
        ("8_3", "PENDING", "train"),
        ("12", "COMPLETING", "probe: a|b"),
    ]


def test_the_job_that_asks_is_not_in_its_own_way(tmp_path):
    numbers = [job.number for job in live_jobs.parsed(LISTING.format(here=tmp_path), tmp_path, own="7")]
    assert numbers == ["8_3", "12"]


def test_a_folder_is_the_same_by_any_of_its_names(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    listing = f"1|1|RUNNING|{tmp_path / 'link'}|rule_train\n"
    assert live_jobs.parsed(listing, tmp_path / "real")


def test_many_jobs_are_counted_and_all_are_in_the_command_that_ends_them():
    jobs = [live_jobs.Job(str(number), "RUNNING", "train") for number in range(30)]
    told = live_jobs.told(jobs)
    assert "and 10 more" in told
    assert "  scancel " + " ".join(map(str, range(30))) in told


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """squeue(script): what is installed under that name."""

    def install(script):
        path = tmp_path / "bin" / "squeue"
        path.parent.mkdir()
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


def test_without_slurm_there_are_no_jobs(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert live_jobs.of(tmp_path) == []


def test_the_queue_is_asked(squeue, tmp_path):
    squeue(f"echo '3|3|PENDING|{tmp_path}|rule_train'")
    assert live_jobs.of(tmp_path) == [live_jobs.Job("3", "PENDING", "train")]


def test_a_queue_that_does_not_answer_is_told_of(squeue, tmp_path):
    squeue("echo 'Unable to contact slurm controller' >&2; exit 1")
    with pytest.raises(ConnectionError, match="Unable to contact slurm controller"):
        live_jobs.of(tmp_path)
