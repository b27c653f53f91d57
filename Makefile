# Every target that needs the environment makes it first: Python >= 3.12 and make are enough.

PYTHON ?= python3.12 python3
BIN := .venv/bin
READY := .venv/ready
PYTEST := $(BIN)/pytest -n 2 --dist worksteal --durations=15

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: bench check clean coverage demo docs family help mutation test test-slow

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | sort | expand -t 12

demo: $(READY) ## run the demo experiment and say where its report is
	$(BIN)/hexmagic run experiments/steane_h.yaml --runs runs
	@echo "report: $$(ls -t runs/*/report.html | head -n 1)"

test: $(READY) ## the fast tests, on two cores
	$(PYTEST) -m "not slow"

test-slow: $(READY) ## the slow tests, on two cores
	$(PYTEST) -m slow

check: $(READY) ## format, lint, types, direction of the imports, content of the wheel
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/pytest -q -m "not slow" tests/test_imports.py tests/test_wheel.py

bench: $(READY) ## print the benchmarks; the agreement of the engines takes longest, an hour or two
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/emulation.py
	$(BIN)/python benchmarks/analysis.py
	$(BIN)/python benchmarks/agreement.py

coverage: $(READY) ## lines and branches of the four packages that the fast tests reach, half an hour
	rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal -m "not slow"
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

mutation: $(READY) ## how many small faults in post-selection and ledger the tests find, an hour or two
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[mutation]'
	$(BIN)/python benchmarks/mutation.py --survivors

docs: $(READY) ## write the reference from the code and build the documentation into build/docs
	$(BIN)/python docs/make_reference.py
	$(BIN)/sphinx-build -q -E -W --keep-going -d build/doctrees docs build/docs
	@echo "documentation: build/docs/index.html"

family: $(READY) ## write the tables of docs/family.md again, one to three minutes
	$(BIN)/python benchmarks/family.py --distance 3 5 7 --markdown docs/family.md \
	  --json benchmarks/family.json

clean: ## remove caches and what a build leaves; runs/ and .venv stay
	rm -rf .coverage .coverage.* build dist hexmagic.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# The environment, made again only when what it depends on has changed.
NEW_ENOUGH := import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 12))
$(READY): pyproject.toml constraints.txt
	@if ! $(BIN)/python -c 'import pip; $(NEW_ENOUGH)' 2>/dev/null; then \
	  for python in $(PYTHON); do \
	    if "$$python" -c '$(NEW_ENOUGH)' 2>/dev/null; then exec "$$python" -m venv --clear .venv; fi; \
	  done; \
	  echo "hexmagic needs Python >= 3.12 with venv, tried: $(PYTHON); install it (python3.12 and python3.12-venv, or 'pyenv install 3.12') or say make PYTHON=/path/to/python3.12" >&2; \
	  exit 1; \
	fi
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@
