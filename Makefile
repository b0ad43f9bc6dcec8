# Six words for developers; each makes .venv when it is needed.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo lab check test soak bench clean

demo: $(READY)  ## the whole story on a simulated fleet
	$(BIN)/wsops demo --dir .demo

lab: $(READY)  ## a simulated fleet to play with, in this shell
	$(BIN)/wsops simulate

check: $(READY)  ## style, types, arrows between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY)  ## the tests, in under ten minutes
	$(BIN)/pytest -n 2 --cov --cov-report=term

soak: $(READY)  ## the long tests: thousands of examples, hundreds of kills
	$(BIN)/pytest -n 2 -m soak

bench: $(READY)  ## speed, as ratios within one run
	$(BIN)/python -m tests.bench

clean:
	rm -rf .venv .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache
	find wsops tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wsops needs Python 3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test,check]'
	touch $(READY)
