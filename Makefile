# Every target installs first; a second time that takes no time.
.PHONY: help setup demo test notebooks lint bench lock
.DEFAULT_GOAL := help

DEMO := experiments/tyol.yaml
DEMO_RUN := results/tyol/0

help:   ## this list
	@sed -nE 's/^([a-z]+):[^#]*## *(.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup:  ## install into .venv, nothing else
	@bash scripts/setup.sh

demo: setup  ## learn the example experiment, or go on with it, and emit a small dataset from it
	.venv/bin/python scripts/train.py --exp $(DEMO) --resume
	.venv/bin/metasim export --run $(DEMO_RUN) --format webdataset --num 200 --out $(DEMO_RUN)/dataset --resume
	@echo "report: $(CURDIR)/$(DEMO_RUN)/report.html"
	@echo "dataset: $(CURDIR)/$(DEMO_RUN)/dataset"

test: setup  ## run the tests, three at a time: on two cores, for some wait
	OMP_NUM_THREADS=1 .venv/bin/pytest -n 3

notebooks: setup  ## run the notebooks on small runs
	OMP_NUM_THREADS=1 timeout 1800 .venv/bin/python scripts/notebooks.py

lint: setup  ## style, types and the direction of imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/basedpyright
	.venv/bin/lint-imports --no-logo

bench: setup  ## measure rendering, matching and export
	.venv/bin/python scripts/bench.py match
	.venv/bin/python scripts/bench.py render
	.venv/bin/python scripts/bench.py export

lock: setup  ## renew environment/requirements.txt from pyproject.toml, changing only what must
	CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/pip-compile --quiet --strip-extras --allow-unsafe \
		--extra blender --extra unity --extra s3 --extra dev --annotation-style line --no-emit-options \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file environment/requirements.txt pyproject.toml
	@# the same lock serves every build of torch, whose CUDA libraries torch itself pins
	sed -E -i '/^(nvidia|cuda|triton)/d; s/^(torch==[0-9.]+)\+[a-z0-9]+/\1/' environment/requirements.txt
