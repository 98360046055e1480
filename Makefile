# make demo   a sample night, analysed: the PDF and the tables
# make test   all tests            make check   format, lint, types, documents
# make docs   the site, in docs/_build/html
# make bench  speed against peers, measured in the same run
# make mutants    formulas and rules with one slip each: which of them do the tests see? Hours; MODULES=... names some
# make coverage   lines of the package that the tests run
# make examples   the example reports, the figures of README and site, what pages print, anew

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SAMPLE := sample_data/sample_night.edf
OUT := demo_out
BUILD_SITE = $(BIN)/python -m sphinx -q -E -W --keep-going -b html docs docs/_build/html

MODULES := holter2sleep.*

.PHONY: demo test check docs bench mutants coverage examples clean

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "holter2sleep needs Python 3.11 or newer; choose one with make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

$(SAMPLE): $(VENV)/.installed
	$(BIN)/holter2sleep simulate --preset sample --out $(SAMPLE) --overwrite

demo: $(SAMPLE)
	$(BIN)/holter2sleep analyze $(SAMPLE) --out $(OUT) --overwrite

# compiled modules are kept: tests start the program many times
test: $(VENV)/.installed
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist loadfile

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m docs.tools.stale
	$(BUILD_SITE)

docs: $(VENV)/.installed
	$(BUILD_SITE)

bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks

mutants: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'mutmut>=3.8,<4'
	OMP_NUM_THREADS=1 $(BIN)/mutmut run --max-children 1 '$(MODULES)'

coverage: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'coverage>=7.10'
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/coverage run -m pytest
	$(BIN)/coverage combine
	$(BIN)/coverage report --skip-covered

examples: $(VENV)/.installed
	$(BIN)/python reports/examples/make.py
	$(BIN)/python -m docs.tools.walkthrough --write docs/tutorial_night.md docs/tutorial_associate.md docs/use_from_python.md
	$(BIN)/python -m docs.tools.walkthrough --copy --write $(wildcard docs/add_*.md)

clean:
	rm -rf $(VENV) $(OUT) $(SAMPLE)* build dist docs/_build mutants .coverage*
