# Needs python3 (3.11 or newer, with venv) and make; everything else goes into .venv.
PYTHON ?= python3
BIN = .venv/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: try test lint docs lab lab-test clean

# The main job: one bounce in full, then the counts of all the examples.
try: .venv/run
	@$(BIN)/fivefifty diagnose --letter examples/barracuda-blocked.eml
	@echo
	@echo "All the examples together (fivefifty diagnose --summary examples/*.*):"
	@echo
	@$(BIN)/fivefifty diagnose --summary examples/*.*

test: .venv/test
	$(BIN)/python -m pytest -n auto

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/mypy

# The pages that are written from the code.
docs: .venv/run
	@{ sed '/^| check |/,$$d' docs/checks.md; $(BIN)/fivefifty check --list; } > docs/checks.md.new && mv docs/checks.md.new docs/checks.md

# Real servers (lab/README.md); skipped, loudly, without root or Debian.
lab-test: .venv/test
	@timeout -k 10 300 $(BIN)/python -m lab test

lab: .venv/test
	@$(BIN)/python -m lab run

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit("fivefifty needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv

.venv/run: requirements.lock pyproject.toml hatch_build.py | .venv/bin/python
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/test: requirements-test.lock .venv/run
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
