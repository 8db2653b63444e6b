"""Write envs/*.yaml (conda) from the pins in requirements.lock."""

from pathlib import Path

ROOT = Path(__file__).parent.parent
# Split by cost: jobs that need torch, and jobs that read numbers.
PACKAGES = {
    "torch": [
        "torch",
        "torchvision",
        "zennit",
        "scikit-image",
        "h5py",
        "numpy",
        "pandas",
        "scipy",
        "krippendorff",
        "pillow",
    ],
    "report": ["h5py", "numpy", "pandas", "scipy", "statsmodels", "krippendorff", "matplotlib", "Jinja2", "pillow"],
}


def environment(name: str) -> str:
    lines = [f"      - {package}=={pin(package)}\n" for package in PACKAGES[name]]
    head = f"# Made by `make envs` from requirements.lock.\nname: saliency-benchmark-{name}\n"
    channels = "channels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - pip\n  - pip:\n"
    return head + channels + "".join(lines)


def pin(package: str) -> str:
    """The version of PACKAGE in the lock; - and _, upper and lower case are one."""
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pairs = [line.split("==") for line in lines if "==" in line and not line.startswith("#")]
    return {name.lower().replace("_", "-"): version for name, version in pairs}[package.lower().replace("_", "-")]


if __name__ == "__main__":
    for name in PACKAGES:
        (ROOT / "envs" / f"{name}.yaml").write_text(environment(name))
