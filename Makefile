# Seven words for developers; each makes .venv when it is needed.
PYTHON ?= python3
BIN := .venv/bin
PLAIN := .venv/plain
READY := .venv/ready
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
BOUNDED := $(if $(shell command -v timeout),timeout 600)
BROWSER := test -x /usr/bin/chromium
APT := { test "$$(id -u)" = 0 && command -v apt-get && $(BOUNDED) apt-get -qq update && \
	DEBIAN_FRONTEND=noninteractive $(BOUNDED) apt-get -qq install -y --no-install-recommends chromium && \
	$(BROWSER); } >/dev/null 2>&1
FETCH := $(BOUNDED) $(BIN)/python -m playwright install chromium >/dev/null
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# Without bytecode every command would compile the package anew, in the tests a thousand times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo lab check test soak bench example clean browser

demo: $(PLAIN)  ## the whole story on a simulated fleet
	$(BIN)/wsops demo --dir .demo

lab: $(PLAIN)  ## a copy of the notebooks, in JupyterLab on a simulated fleet
	$(BIN)/wsops init .lab >/dev/null 2>&1
	$(BIN)/wsops lab --simulate .lab

check: $(READY)  ## style, types, arrows between rooms
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) browser  ## the tests; about twenty minutes on two slow cores
	$(BIN)/pytest -n $(WORKERS) --dist worksteal --cov --cov-report=term

browser: $(READY)
	@$(BROWSER) || { echo "installing chromium for the browser tests, a minute…"; $(APT) || $(FETCH); }

soak: $(READY)  ## the long tests: thousands of examples, hundreds of kills
	$(BIN)/pytest -n 2 --dist worksteal -m soak --timeout 3600

bench: $(READY)  ## speed, as ratios within one run
	$(BIN)/python -m tests.bench

example: $(READY)  ## reports/example, from a run on the simulator
	$(BIN)/python docs/example.py

clean:
	rm -rf .venv .demo .lab .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* .import_linter_cache
	find wsops tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(PLAIN): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wsops needs Python 3.11")'
	$(PYTHON) -m venv .venv
	@echo "installing wsops into .venv, a minute or two…"
	$(INSTALL) -e .
	touch $(PLAIN)

$(READY): $(PLAIN)
	@echo "installing what the tests need, a minute…"
	$(INSTALL) -e '.[test,check]'
	touch $(READY)
