# make demo and make test are all a newcomer needs; make check is what CI runs beside the tests.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-all check format clean

demo: .venv/installed
	$(BIN)/toadworks demo

test: .venv/tested
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile --no-loadscope-reorder  # two files at a time: many tests wait for servers

test-all: .venv/tested
	$(BIN)/pytest

check: .venv/tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/tested
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Toadworks needs Python 3.11 or newer: make demo PYTHON=python3.12") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(PIP) -e .
	touch $@

.venv/tested: .venv/installed
	$(PIP) -e '.[dev]'
	touch $@

clean:
	rm -rf .venv demo build *.egg-info
