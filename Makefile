# The one list of commands. Needs Python >= 3.11 and make; everything else goes into $(VENV).
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
ARGS ?=
BASE ?=
SEEDS ?= 1-50

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq

.DEFAULT_GOAL := help
.PHONY: help demo test test-alone test-servers pythons check check-static check-unit matrix format bench chaos docs clean

help:  ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

demo: $(VENV)/.demo  ## Load airports and tickets into SQLite, serve the example on PORT (8000)
	$(BIN)/python -m example_project.demo $(PORT)

test: $(VENV)/.dev $(VENV)/.matrix  ## All tests, or those that ARGS say to pytest
ifeq ($(strip $(ARGS)),)
	@$(MAKE) --no-print-directory --keep-going test-alone test-servers pythons
else
	$(BIN)/python -m pytest $(ARGS)
endif

# Those that start no servers, and those of the client, which wait most of the time and share none.
ALONE := tests/unit tests/crud tests/live tests/client

test-alone: $(VENV)/.dev
	$(BIN)/python -m pytest --numprocesses=logical $(ALONE)

test-servers: $(VENV)/.dev
	$(BIN)/python -m pytest $(addprefix --ignore=,$(ALONE))

pythons: $(VENV)/.matrix  ## Tests without servers on all other Pythons that are installed; ARGS go to nox
	$(BIN)/python -m nox --sessions pythons $(ARGS)

check: $(VENV)/.dev  ## Format, lint, types, import contracts and unit tests, in under a minute
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target check-unit check-static

check-static: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

check-unit: $(VENV)/.dev
	$(BIN)/python -m pytest -q --numprocesses=logical --hypothesis-profile=quick tests/unit tests/architecture

matrix: $(VENV)/.matrix  ## The tests over all Pythons, Djangos and ages of dependencies, and the version before; ARGS go to nox
	$(BIN)/python -m nox --sessions tests previous $(ARGS)

format: $(VENV)/.dev  ## Let ruff rewrite what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## The benchmarks with their goals, or with BASE=commit against that; ARGS go to them
	$(BIN)/python -m benchmarks $(if $(BASE),--base $(BASE)) $(ARGS)

chaos: $(VENV)/.dev  ## All scenarios on all servers, transports and processes; random runs of SEEDS (1-50), each once, in chaos.jsonl
	$(BIN)/python -m tests.conformance -q
	$(BIN)/python -m tests.chaos $(SEEDS)

docs: $(VENV)/.dev  ## The documentation as HTML in docs/_build, warnings are errors
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

clean:  ## Forget the virtual environments and everything built
	rm -rf $(VENV) .venv-clients .nox build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp per set of requirements: the demo does not wait for what only the tests need.
$(VENV)/.demo: setup.cfg pyproject.toml | $(VENV)/.made
	$(PIP) install --editable '.[demo]'
	touch $@

$(VENV)/.dev: setup.cfg pyproject.toml | $(VENV)/.made
	$(PIP) install --editable '.[dev]'
	touch $@ $(VENV)/.demo

$(VENV)/.matrix: setup.cfg pyproject.toml | $(VENV)/.made
	$(PIP) install --editable '.[matrix]'
	touch $@

$(VENV)/.made:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed, try: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	touch $@
