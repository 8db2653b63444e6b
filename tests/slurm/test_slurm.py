"""The workflow on a real SLURM, with all that goes wrong there: what comes out is what a local run gives."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slurm.cluster import HERE, SECONDS, Cluster, missing, wait_for
from tests.snakes import copy_project

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
TARGET = "results/tables/map_quality.csv"
TROUBLE = ("fails", "too_long", "too_large", "cancelled", "preempted", "node_dies")


class Story:
    """One run on CLUSTER in FOLDER, and what was seen on the way."""

    def __init__(self, cluster: Cluster, project: Path, folder: Path) -> None:
        self.cluster, self.project, self.folder, self.seen = cluster, project, folder, {}

    def snakemake(self, *words: str) -> list[str]:
        program = Path(sys.executable).with_name("snakemake")
        given = ["-s", self.project / "Snakefile", "--directory", self.folder, "--configfile", HERE / "settings.yaml"]
        return [str(word) for word in (program, TARGET, *given, *words)]

    def start(self, *words: str) -> None:
        words = ["--workflow-profile", str(HERE / "profile"), *words]
        with (self.folder / "snakemake.log").open("a") as log:
            self.head = subprocess.Popen(self.snakemake(*words), env=environment(self.cluster), stdout=log, stderr=log)

    def end(self) -> None:
        self.head.kill()
        self.head.wait()

    def told(self, *words: str) -> subprocess.CompletedProcess:
        words = ["--workflow-profile", str(HERE / "profile"), *words]
        return subprocess.run(self.snakemake(*words), env=environment(self.cluster), capture_output=True, text=True)

    def met(self, trouble: str) -> str:
        """The number of the job that met TROUBLE, once it has."""
        path = self.folder / "trouble" / f"{trouble}.met"
        found = lambda: path.exists() and path.read_text()  # noqa: E731
        return wait_for(
            found, f"a job met {trouble}: {self.folder / 'snakemake.log'}", lambda: self.head.poll() is None
        )


def environment(cluster: Cluster) -> dict[str, str]:
    return {**cluster.environment, "PYTHONPATH": str(HERE)}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def story(project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster-run")
    (folder / "trouble").mkdir()
    for name in (*TROUBLE, "head_dies_train"):
        (folder / "trouble" / name).touch()
    with Cluster() as cluster:
        story = Story(cluster, project, folder)
        try:
            tell(story)
            yield story
        finally:
            story.end()


def tell(story: Story) -> None:
    kill_the_head(story)
    story.start()
    meet_all_trouble(story)
    story.seen["code"] = story.head.wait(timeout=SECONDS)
    story.seen["log"] = (story.folder / "snakemake.log").read_text()
    story.seen["again"] = story.told("--dry-run").stdout


def kill_the_head(story: Story) -> None:
    story.start()
    number = story.met("head_dies_train")
    story.end()
    story.seen["orphan"] = number
    story.seen["refused"] = story.told()
    story.seen["refused locally"] = subprocess.run(
        story.snakemake("--cores", "1"), env=environment(story.cluster), capture_output=True, text=True
    )
    (story.folder / "trouble" / "head_dies_train.go").touch()
    wait_for(lambda: not story.cluster.live(), "the jobs of the killed start")
    story.seen["made by orphans"] = (story.folder / "results/troubled/images/train.h5").read_bytes()
    story.seen["unlocked"] = story.told("--unlock")


def meet_all_trouble(story: Story) -> None:
    cluster = story.cluster
    cluster.call("scancel", story.met("cancelled"))
    story.seen["preempted"] = story.met("preempted")
    node = cluster.job(story.seen["preempted"])["NodeList"]
    words = ["--partition=high", "--gpus=1", f"--nodelist={node}", "--output=/dev/null"]
    cluster.call("sbatch", *words, "--wrap", "sleep 3")
    story.seen["node_dies"] = story.met("node_dies")
    story.seen["dead"] = cluster.job(story.seen["node_dies"])["NodeList"]
    cluster.kill_node(story.seen["dead"])


@pytest.fixture(scope="module")
def local(project, tmp_path_factory):
    """The same without a cluster, and without trouble."""
    folder = tmp_path_factory.mktemp("local-run")
    words = ["-s", project / "Snakefile", "--directory", folder, "--configfile", HERE / "settings.yaml", "--cores", 2]
    program = Path(sys.executable).with_name("snakemake")
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    subprocess.run([str(word) for word in (program, TARGET, *words)], env=environment, check=True, capture_output=True)
    return folder


def attempts(story: Story, method: str) -> list[dict[str, str]]:
    """What Snakemake submitted for the maps of METHOD, by the comments that the log has."""
    place = f"/troubled_small_cnn_baseline_0_{method}_test/"
    lines = [line for line in story.seen["log"].splitlines() if "has been submitted" in line and place in line]
    numbers = [line.rpartition("/")[2].partition(".")[0] for line in lines]
    return [story.cluster.job(number) for number in numbers]


def test_every_artifact_is_that_of_a_local_run_byte_for_byte(story, local):
    assert story.seen["code"] == 0, story.seen["log"]
    made = [path for path in (local / "results").rglob("*") if path.is_file() and "logs" not in path.parts]
    assert len([path for path in made if path.suffix == ".h5"]) == 10
    for path in made:
        assert path.read_bytes() == (story.folder / path.relative_to(local)).read_bytes(), path


def test_nothing_is_left_to_do_after_all_that(story):
    assert "Nothing to be done" in story.seen["again"]


def test_a_job_that_needs_no_second_attempt_has_one(story):
    assert [job["JobState"] for job in attempts(story, "gradient")] == ["COMPLETED"]


@pytest.mark.parametrize(("method", "state"), [("fails", "FAILED"), ("too_long", "TIMEOUT"), ("too_large", "FAILED"),
                                               ("cancelled", "CANCELLED")])  # fmt: skip
def test_a_job_that_ended_badly_is_submitted_again_and_asks_for_twice_as_much(story, method, state):
    jobs = attempts(story, method)
    # A slow machine may need a third attempt.
    assert [job["JobState"] for job in jobs][:: len(jobs) - 1] == [state, "COMPLETED"]
    assert [job["TimeLimit"] for job in jobs][:2] == ["00:03:00", "00:06:00"]
    assert [job["MinMemoryNode"] for job in jobs][:2] == ["1200M", "2400M"]


@pytest.mark.parametrize("method", ["preempted", "node_dies"])
def test_a_job_that_lost_its_place_waits_in_the_queue_and_runs_again_as_the_same_job(story, method):
    jobs = attempts(story, method)
    assert [(job["JobState"], job["Restarts"], job["JobId"]) for job in jobs] == [
        ("COMPLETED", "1", story.seen[method])
    ]


def test_a_job_of_a_dead_node_ends_on_another_one(story):
    assert attempts(story, "node_dies")[0]["NodeList"] != story.seen["dead"]


@pytest.mark.parametrize("start", ["refused", "refused locally"])
def test_a_start_beside_jobs_of_a_killed_one_is_refused_and_names_them(story, start):
    told = story.seen[start].stdout + story.seen[start].stderr
    assert story.seen[start].returncode != 0
    assert f"{story.seen['orphan']} (running) prepare_images: troubled_train" in told
    # Other jobs of the killed start may still be in the queue: they are named too.
    ends = next(line for line in told.splitlines() if line.strip().startswith("scancel "))
    assert story.seen["orphan"] in ends.split()[1:]


def test_what_the_jobs_of_a_killed_start_made_is_whole_and_kept(story, local):
    assert story.seen["unlocked"].returncode == 0
    assert story.seen["made by orphans"] == (local / "results/troubled/images/train.h5").read_bytes()


def test_jobs_have_their_logs_where_those_of_a_local_run_lie(story, local):
    for path in (local / "results" / "logs").rglob("*.log"):
        assert (story.folder / path.relative_to(local)).exists(), path
    assert list((story.folder / "results/logs/slurm/rule_train").rglob("*.log"))


def test_small_rules_are_no_jobs_of_the_cluster(story):
    assert not list((story.folder / "results/logs/slurm").glob("rule_tabulate*"))
