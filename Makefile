# make run, make test: everything from nothing. The other targets are for developers (CONTRIBUTING.md).
VENV ?= .venv
PYTHON ?= python3
BIN := $(abspath $(VENV))/bin
READY := $(VENV)/.made-from-lock

.PHONY: run test study style lock envs settings vendor clean

run: $(READY)
	$(BIN)/python tools/run.py $(ARGS)

# Three at a time on two processors: the tests on SLURM wait for its clock most of the time.
test: $(READY)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# The pages of the study with people, from the workflow's items: make study TASK=counterfactual_simulation ARGS="--settings study.yaml"
TASK ?= model_selection
ITEMS ?= $(sort $(wildcard results/*/*/*/seed-*/utility/$(TASK)/items.h5))
study: $(READY)
	$(BIN)/python -m saliency_benchmark study-build $(ITEMS) --output results/study/$(TASK) $(ARGS)

style: $(READY)
	$(BIN)/pre-commit run --all-files
	$(BIN)/snakemake --lint

$(READY): requirements.lock requirements-alone.lock
	$(PYTHON) -c 'import sys; found = sys.version.split()[0]; sys.exit(sys.version_info[:2] < (3, 11) and f"Python {found} found, 3.11 or newer wanted: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-alone.lock
	touch $@

# A new lock from requirements.in; takes minutes. Read the difference before you commit it.
lock:
	tools/lock.sh
	$(BIN)/python tools/envs.py

envs: $(READY)
	$(BIN)/python tools/envs.py

settings: $(READY)
	$(BIN)/python -m saliency_benchmark settings

# What the pages are made with, from npm, by study/package-lock.json. Read the difference before you commit it.
vendor:
	npm ci --prefix study --ignore-scripts
	cp study/node_modules/jspsych/dist/index.browser.min.js study/vendor/jspsych.js

clean:
	rm -rf results/* .snakemake
