# Needs python3 (3.11 to 3.13) and make; everything else is set up here.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: demo test lint clean

demo: $(VENV)/.base  ## a sheet of the bundled sample: mien-demo.png
	$(BIN)/mien demo -o mien-demo.png

test: lint  ## everything CI runs
	$(BIN)/pytest -q

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q -e '.[dev]'
	touch $@ $(VENV)/.base

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache mien-demo.png
