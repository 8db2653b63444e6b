"""Write envs/*.yaml (conda) from the pins in requirements.lock."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
# Split by cost: jobs that need torch, and jobs that read numbers.
PACKAGES = {
    "torch": ["torch", "torchvision", "zennit", "captum", "h5py", "numpy", "pandas", "scipy", "krippendorff", "pillow"],
    "report": ["h5py", "numpy", "pandas", "scipy", "krippendorff", "matplotlib", "Jinja2", "pillow"],
}


def environment(name: str, pins: dict[str, str]) -> str:
    lines = [f"      - {package}=={pins[package.lower()]}\n" for package in PACKAGES[name]]
    head = (
        f"# Made by `make envs` from requirements.lock.\nname: saliency-benchmark-{name}\nchannels:\n  - conda-forge\n"
    )
    return head + "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n" + "".join(lines)


def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = (line.split("==") for line in lines if "==" in line and not line.startswith("#"))
    return {name.lower(): version for name, version in pairs}


if __name__ == "__main__":
    for name in PACKAGES:
        (ROOT / "envs" / f"{name}.yaml").write_text(environment(name, pins()))
