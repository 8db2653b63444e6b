"""`make run`: the default settings, on all cores, from wherever a run before stopped; ends by naming the report."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SNAKEMAKE = [str(Path(sys.executable).with_name("snakemake")), "--quiet", "rules", "host"]


def main() -> int:
    if at_work := living():
        print(f"Snakemake is at work here already (process {at_work[0]}): wait for it, or stop it", file=sys.stderr)
        return 1
    if list((ROOT / ".snakemake" / "locks").glob("*")):
        # A killed run leaves its lock behind; nobody is at work here.
        subprocess.run([*SNAKEMAKE[:1], "--unlock", "--quiet", "all"], cwd=ROOT, check=True)
    code = subprocess.run([*SNAKEMAKE, *sys.argv[1:]], cwd=ROOT).returncode
    if code == 0:
        print(f"The report: {ROOT / 'results' / 'report.html'}")
    else:
        print("The run stopped; the messages above name the logs. `make run` goes on from here.", file=sys.stderr)
    return code


def living() -> list[int]:
    """Snakemake processes that work in this folder, as far as the system tells (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            here = (process / "cwd").readlink() == ROOT
        except OSError:
            continue
        if here and any(Path(word.decode(errors="replace")).name == "snakemake" for word in words[:2]):
            found.append(int(process.name))
    return found


if __name__ == "__main__":
    sys.exit(main())
