"""Text files end with one newline, no line ends with a space, and nothing large comes in but the embedded images."""

import sys
from pathlib import Path

LARGEST = 512 * 1024
ALLOWED = Path("data/fashion_mnist")


def problems(path: Path) -> list[str]:
    content = path.read_bytes()
    if len(content) > LARGEST and ALLOWED not in path.parents:
        return [f"{path}: {len(content)} bytes, more than {LARGEST}"]
    if b"\0" in content or path.suffix == ".gz":
        return []
    found = [
        f"{path}:{number}: space at the end"
        for number, line in enumerate(content.split(b"\n"), 1)
        if line != line.rstrip()
    ]
    if content and (not content.endswith(b"\n") or content.endswith(b"\n\n")):
        found.append(f"{path}: wants one newline at its end")
    return found


if __name__ == "__main__":
    found = [problem for name in sys.argv[1:] for problem in problems(Path(name))]
    print("\n".join(found))
    sys.exit(bool(found))
