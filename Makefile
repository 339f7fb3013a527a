# Needs only Python 3.11+ and make. Everything is installed into .venv; delete it to start over.
PYTHON ?= $(firstword $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p; done))
BIN := .venv/bin
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt

.PHONY: help setup demo test lint format bench bench-accuracy bench-related bench-accuracy-full bench-memory bench-negative-transfer bench-lineage bench-arrivals simulate-arrivals constraints clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/installed-dev  ## install everything for development into .venv

demo: .venv/installed-demo  ## the whole pipeline on this machine, on real images (KEEP=1: keep the UIs up)
	@$(BIN)/grasp demo $(if $(filter-out 0,$(KEEP)),--keep)

test: setup  ## all tests that this machine can run: unit, then integration and chaos
	$(BIN)/pytest -n 2 --no-loadscope-reorder

lint: setup  ## ruff (lint and format), mypy, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: bench-accuracy bench-memory bench-lineage bench-arrivals  ## the benchmarks, in their quick forms

bench-accuracy: setup  ## a quick look at accuracy: two settings, three seeds, about a minute
	$(BIN)/python -m benchmarks.accuracy quick

bench-related: setup  ## the same look at the methods of others (docs/peers.md), some minutes
	$(BIN)/python -m benchmarks.accuracy related

bench-accuracy-full: setup  ## all settings and seeds, resumable; writes docs/benchmark.md
	$(BIN)/python -m benchmarks.accuracy full

bench-memory: setup  ## live tensors of every peer over 2, 8 and 64 sources
	$(BIN)/python -m benchmarks.memory

bench-negative-transfer: setup  ## harmful sources against the gate, 50 seeds, resumable
	$(BIN)/python -m benchmarks.negative_transfer
	$(BIN)/python -m benchmarks.negative_transfer --mode reference

bench-arrivals: setup  ## what an idle watch costs with 1,000 to 100,000 manifests
	$(BIN)/python -m benchmarks.arrivals

simulate-arrivals: setup  ## 10,000 arrivals of 12 writers against a watch and an absorb (many minutes)
	ARRIVALS=10000 $(BIN)/pytest -q tests/tasks/arrivals/test_detection.py -m soak -k many_arrivals

bench-lineage: setup  ## an absorb's cost outside of training, a growing registry, the gate's policies
	$(BIN)/python -m benchmarks.lineage

constraints: setup  ## write constraints.txt anew from pyproject.toml's ranges (then run the tests)
	$(BIN)/uv pip install --quiet --python $(BIN)/python --upgrade -e '.[dev]'
	$(BIN)/uv pip freeze --quiet --python $(BIN)/python --exclude-editable \
		| sed -E -e '/^(pip|setuptools|wheel)==/d' -e 's/\+[A-Za-z0-9.]+$$//' > constraints.txt

clean:  ## remove caches and the demo's leftovers; .venv stays
	rm -rf .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.venv/uv: constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer was found; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@touch $@

.venv/installed-%: pyproject.toml constraints.txt .venv/uv
	$(UV) -e '.[$*]'
	@touch $@
