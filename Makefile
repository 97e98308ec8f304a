# Everything here does its own set-up. `make help` lists what there is.

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
BUILT := $(VENV)/.built
CORE := $(wildcard _core/*.pyx _core/*.pxi)
REPORT := demo-report
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
FIND_DEMO := from importlib.resources import files; \
	print(next(p for p in files("tariff.simulate").joinpath("data").iterdir() \
	if p.name.startswith("demo-apc-")))

export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis
export RUFF_CACHE_DIR := build/ruff

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-browser test-lowest lint bench bench-synth bench-price bench-signatures budgets wheel docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---------------------------------------------------------------- set-up

$(INSTALLED): pyproject.toml setup.py tools/venv.sh
	@sh tools/venv.sh $(VENV)
	@echo "installing tariff and what it needs into $(VENV) (a minute or two the first time)"
	@$(PIP) install -e '.[dev]' || { echo "pip could not install; its message is above" >&2; exit 1; }
	@touch $@

$(BUILT): $(INSTALLED) $(CORE)
	@echo "building the compiled core"
	@mkdir -p build && $(BIN)/python setup.py -q build_ext --inplace > build/core.log 2>&1 \
		|| { cat build/core.log >&2; exit 1; }
	@touch $@

setup: $(BUILT) ## the virtual environment with the package in it, editable

# ---------------------------------------------------------------- use and tests

demo: $(BUILT) ## check the extract that ships; says where the report lies
	@$(BIN)/tariff check "$$($(BIN)/python -c '$(FIND_DEMO)')" -o $(REPORT)
	@echo "Open in a browser: file://$(CURDIR)/$(REPORT)/report.html"

test: $(BUILT) ## every test that needs nothing but Python and a compiler
	@$(BIN)/python -m pytest -m "not browser" -p no:benchmark

test-browser: $(BUILT) ## the report in a real headless Chromium
	@command -v "$${TARIFF_CHROMIUM:-chromium}" > /dev/null || command -v chromium-browser > /dev/null \
		|| { echo "Chromium is not installed (Debian: apt-get install chromium); TARIFF_CHROMIUM names another" >&2; exit 1; }
	@TARIFF_REQUIRE_BROWSER=1 $(BIN)/python -m pytest -m browser -p no:benchmark

test-lowest: $(BUILT) ## the tests with the lowest versions that pyproject.toml allows
	@sh tools/lowest.sh $(BIN)/python

# mypy does not find the stubs of the core in the checkout: lay the package out as it is installed.
# Every part runs, so that one look shows all there is to mend.
MYPY = $(abspath $(BIN))/python -m mypy --config-file ../../pyproject.toml --cache-dir ../mypy --strict
lint: $(BUILT) ## ruff, and mypy --strict
	@rm -rf build/types && mkdir -p build/types
	@cp -R tariff tools build/types/ && cp -R _core build/types/tariff/_core
	@mkdir build/types/tariff/rules && cp rules/__init__.py build/types/tariff/rules/
	@wrong=0; \
	$(BIN)/ruff check . || wrong=1; \
	$(BIN)/ruff format --check . || wrong=1; \
	cd build/types; \
	$(MYPY) -p tariff || wrong=1; \
	MYPYPATH=.:tools $(MYPY) --follow-imports silent --explicit-package-bases tools/*.py || wrong=1; \
	exit $$wrong

bench: $(BUILT) ## measure the kernel and `check`; bench/README.md says how to read it
	@$(BIN)/python -m pytest bench --benchmark-only --benchmark-storage=file://build/benchmarks \
		--benchmark-columns=min,median,max,rounds --benchmark-sort=fullname --benchmark-time-unit=ms

bench-synth: $(BUILT) ## make ten million artificial episodes; time and memory go to bench/README.md
	@$(BIN)/python bench/make_ten_million.py

bench-price: $(BUILT) ## price ten million spells with every component: time and memory
	@for given in "" "--threads 2" --plain --floor; do \
		$(BIN)/python bench/price_ten_million.py $$given || exit 1; done

bench-signatures: $(BUILT) ## every rule on a million episodes and all other datasets: time and memory
	@$(BIN)/python -m bench.check_signatures --rules

budgets: $(BUILT) ## what every rule finds in honest years, beside its budget (some minutes)
	@$(BIN)/python tools/measure_budgets.py

# ---------------------------------------------------------------- what is made from the sources

wheel: $(BUILT) ## sdist, and the wheel built from it, into dist/
	@rm -rf dist && $(BIN)/python -m build > build/dist.log 2>&1 || { cat build/dist.log >&2; exit 1; }
	@$(BIN)/python tools/check_dist.py dist
	@ls dist/*

docs: $(BUILT) ## write again the pages and schemas that are generated
	@$(BIN)/python tools/build_docs.py
	@$(BIN)/python -c 'from tariff.packs.problems import page; print(page(), end="")' > build/page.md
	@cmp -s build/page.md docs/pack-problems.md || cp build/page.md docs/pack-problems.md
	@$(BIN)/tariff pack schema --write rules/schema

clean: ## remove what was made (and the virtual environment)
	@rm -rf build dist $(REPORT) *.egg-info .hypothesis .benchmarks .pytest_cache .mypy_cache .ruff_cache
	@rm -f _core/*.so _core/*.c _core/*.html
	@find tariff _core rules tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -rf $(VENV)
