# Every target sets up what it needs; `make run` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# uv reads its index from UV_ variables alone; pip's own setting, where there is one, is handed on.
INDEX := $(shell $(PYTHON) -m pip config get global.index-url 2>/dev/null)
export UV_INDEX_URL ?= $(INDEX)
ifeq ($(UV_INDEX_URL),)
unexport UV_INDEX_URL
endif

.PHONY: run test check format lint types ui report bench clean help

help:  ## show the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(READY)  ## set up and bring every asset up to date, up to a release
	$(BIN)/releaf run

test: $(READY)  ## set up and run the tests
	$(BIN)/pytest -n 2 --dist loadfile

check: $(READY) format-check lint types test  ## format, lint, strict types, imports, tests

.PHONY: format-check
format-check: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/mypy

format: $(READY)  ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: $(READY)  ## the Dagster UI on http://127.0.0.1:3000
	$(BIN)/releaf ui

report: $(READY)  ## where the evaluation report is
	$(BIN)/releaf report

bench: $(READY)  ## speed and size, as ratios in one run
	$(BIN)/python benchmarks/pipeline.py

clean:  ## remove what runs made (the environment stays)
	rm -rf .releaf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
