# Everything from a fresh clone: each target first makes .venv, if it is not there or not up to date.
#
#   make train                          train Humanoid
#   make train ARGS="task=Ant seed=3"   pass anything to train.py
#   make test                           lint, types, tests
#
# Needs Python 3.11 or newer with venv. The virtual environment is installed anew only when setup.py or
# constraints.txt change.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt

ARGS ?=
# The main job, unless ARGS names a task of its own.
JOB := $(if $(filter task=%,$(ARGS)),,task=Humanoid)

# Tests run one process a core, so each keeps to one thread.
TEST_PROCESSES ?= logical
TEST_ARGS ?=
TYPED := $(wildcard mjgym tasks learning app tools benchmarks examples train.py)

.PHONY: help train test format lint type pytest clean

help:
	@sed -n '/^#   make/s/^# //p' Makefile

train: $(VENV)/installed
	$(BIN)/python train.py $(JOB) $(ARGS)

test: lint type pytest

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

type: $(VENV)/installed-test
	$(BIN)/mypy $(TYPED)

pytest: $(VENV)/installed-test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_PROCESSES) $(TEST_ARGS)

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache

$(VENV)/created:
	@test -n "$(PYTHON)" || { echo "Gaitway needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/installed: setup.py constraints.txt | $(VENV)/created
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(PIP_INSTALL) -e ".[warp,video,motion,plots,meshes,test]"
	@touch $@
