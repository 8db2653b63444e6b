"""Run Snakemake as a user does, on a copy of the project whose files a test may change."""

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PARTS = ["Snakefile", "config.yaml", "rules", "workflow_scripts", "saliency_benchmark", "profiles", "envs", "data"]


def snakemake(root: Path, folder: Path, *words: object, check: bool = True) -> subprocess.CompletedProcess:
    """Snakemake of the project in ROOT, working in FOLDER with the tests' tiny settings unless WORDS say otherwise."""
    settings = [] if "--configfile" in words else ["--configfile", ROOT / "tests" / "settings.yaml"]
    done = subprocess.run(command_line(root, folder, *settings, *words), capture_output=True, text=True)
    if check and done.returncode:
        raise AssertionError(done.stdout + done.stderr)
    return done


def command_line(root: Path, folder: Path, *words: object) -> list[str]:
    program = Path(sys.executable).with_name("snakemake")
    return [str(word) for word in (program, "-s", root / "Snakefile", "--directory", folder, "--cores", 2, *words)]


def jobs(root: Path, folder: Path, *words: object) -> Counter:
    """How many jobs of each rule a dry run lists."""
    shown = snakemake(root, folder, "--dry-run", *words)
    table = re.search(r"^job +count\n-.*?\n(.*?)^total", shown.stdout + shown.stderr, re.MULTILINE | re.DOTALL)
    rows = (line.split() for line in table[1].splitlines()) if table else ()
    return Counter({name: int(count) for name, count in rows if name != "all"})


def wildcards(root: Path, folder: Path, *words: object) -> list[dict[str, str]]:
    """The wildcards of each job that a dry run lists."""
    shown = snakemake(root, folder, "--dry-run", *words)
    lines = re.findall(r"^ +wildcards: (.*)$", shown.stdout + shown.stderr, re.MULTILINE)
    return [dict(pair.split("=") for pair in line.split(", ")) for line in lines]


def copy_project(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, folder / part, ignore=ignore) if source.is_dir() else shutil.copy2(
            source, folder / part
        )
    return folder


def edit(path: Path, old: str, new: str) -> None:
    """Replace OLD by NEW in a file and keep its old time stamps: what a backup or `rsync -a` does."""
    text, times = path.read_text(), path.stat()
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
