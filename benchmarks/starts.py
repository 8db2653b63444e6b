"""Which share of each job of a run is its start: Python, torch and our modules. RESULTS: the folder of a finished run.

The start is the median of five, of the imports of a retraining job, measured now: on the machine of the run, with as
little other work as it had.
"""

import argparse
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from saliency_benchmark import recorded

IMPORTS = "import pandas, saliency_benchmark.fitting, saliency_benchmark.retraining, saliency_benchmark.tables"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results")
    records = recorded.read(parser.parse_args().results)
    start = float(np.median([_start() for _ in range(5)]))
    table = pd.DataFrame({"stage": [one.job.stage for one in records], "seconds": [one.seconds for one in records]})
    found = table.groupby("stage", sort=False)["seconds"].agg(["size", "median", "sum"])
    found["share of the start"] = (start / found["median"]).clip(upper=1).round(3)
    found.loc["all"] = [len(table), table["seconds"].median(), table["seconds"].sum(), np.nan]
    print(f"start: {start:.1f} s")
    print(found.rename(columns={"size": "jobs"}).round(3).to_string())


def _start() -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
