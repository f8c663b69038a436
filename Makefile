# Every target is a line or two; `make` says what there is. Needs make and Python 3.11 or later (PYTHON=… if it has another name).

PYTHON ?= python3
VENV ?= .venv
# Real pages are not part of the repository; the model is trained on them as well where a folder has them.
REAL ?= ../shared/real
BIN := $(VENV)/bin
SET_UP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: help run serve test check format train evaluate quality floors bench clean
.DEFAULT_GOAL := help

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/ready ## set up, then clean the sample article and the sample feed and show what was cut, and why
	@for example in examples/article.html examples/feed.xml; do $(BIN)/feedclean clean --diff --explain $$example || exit; done

serve: $(VENV)/ready ## start the proxy with the sample feeds, at http://127.0.0.1:8420
	$(BIN)/feedclean serve --samples examples

test: check ## set up, then everything CI runs: checks, tests (those of PostgreSQL where there is one), the wheel
	tests/services/postgres.sh run tests/services/readers.sh run $(BIN)/python -m pytest

check: $(VENV)/ready-for-tests ## formatting, lint, types, and the direction of imports
	$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(VENV)/ready-for-tests ## let ruff format the source and mend what it safely can
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

train: $(VENV)/ready ## rebuild models/default from training_data (and the real pages in REAL=…, if there), bit for bit
	@if [ -d "$(REAL)" ]; then $(BIN)/feedclean corpus fetch --from "$(REAL)"; fi
	$(BIN)/feedclean train --name default --output models/default

evaluate: $(VENV)/ready ## the scores of the folds, and those on the real pages for measuring, if they are there
	@if [ -d "$(REAL)" ]; then $(BIN)/feedclean corpus fetch --from "$(REAL)"; fi
	$(BIN)/feedclean evaluate

quality: $(VENV)/ready-for-tests ## only the tests that hold the shipped model to its floors
	$(BIN)/python -m pytest tests/quality

floors: $(VENV)/ready-for-tests ## write quality.json anew after a retraining: floors rise, never sink
	$(BIN)/python -m tests.quality.floors

bench: $(VENV)/ready ## the figures in the README
	$(BIN)/python -m benchmarks

clean: ## forget the virtual environment and all caches
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# ── Set-up: made once, and again when the requirements change ─────────────────────────────────────────────────────────

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/ready: $(BIN)/python pyproject.toml constraints.txt
	$(SET_UP) . && touch $@

$(VENV)/ready-for-tests: $(BIN)/python pyproject.toml constraints.txt
	$(SET_UP) '.[test]' && touch $@ $(VENV)/ready
