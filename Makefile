# Two commands set everything up on a fresh machine: `make demo` and `make test`.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := /var/lib/bakec-bench
ENGINE := eval "$$(scripts/engine env)"

.PHONY: help demo test unit chromium engine-test conformance test-kubernetes lint types contracts fmt bench generate engine stop clean

help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

$(VENV)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

engine: $(VENV)/.ready ## start a private Docker Engine unless one is reachable
	scripts/engine start --with registry

demo: $(VENV)/.ready ## compile, show, run and diff the example on a real engine
	PATH="$(CURDIR)/$(BIN):$$PATH" scripts/demo

test: lint types unit conformance engine-test ## everything that CI runs

chromium: ## a browser for the test of the graph page
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

unit: $(VENV)/.ready chromium ## tests that need no engine
	$(BIN)/pytest -m "not engine"

conformance: $(VENV)/.ready ## the corpus of real definitions, where it is at hand
	$(BIN)/python scripts/conformance.py

engine-test: engine ## tests on a real engine
	$(ENGINE) && $(BIN)/pytest -m engine

test-kubernetes: engine ## tests on a real cluster, compiled from Debian's source package: slow, and not part of CI
	scripts/cluster start
	$(ENGINE) && eval "$$(scripts/cluster env)" && $(BIN)/pytest -m cluster tests/cluster; \
	result=$$?; scripts/cluster stop; exit $$result

lint: $(VENV)/.ready ## style and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python scripts/contracts.py

types: $(VENV)/.ready ## static types
	$(BIN)/mypy

fmt: $(VENV)/.ready ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready ## measure against buildx, on an engine that keeps its data in memory
	scripts/engine start --tmpfs --root $(BENCH)
	eval "$$(scripts/engine env --root $(BENCH))" && $(BIN)/python -m benchmarks; status=$$?; \
	scripts/engine stop --root $(BENCH); exit $$status

generate: $(VENV)/.ready ## write generated files anew
	$(BIN)/python scripts/generate.py

stop: ## stop the private engine
	scripts/engine stop

clean: stop
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
