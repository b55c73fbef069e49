# Each target is one line that calls a tool; `make demo` and `make test` need nothing but the README's prerequisites.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest

.PHONY: help demo demo-clean test test-slow lint types format check bench docs lock docker-proof
help:            ## show the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

demo: $(VENV)/.demo .venv-awscli/.ready client           ## start everything, import a real study, ask it questions, then serve (ONCE=1: end after the job)
	@$(BIN)/python -m cellenium_admin.demo $(if $(ONCE),--once)

demo-clean: $(VENV)/.demo     ## remove the demo's state
	@$(BIN)/python -m cellenium_admin.demo --clean

test: $(VENV)/.dev chromium .venv-awscli/.ready  ## run the default suite
	@$(PYTEST) -n 2

test-slow: $(VENV)/.dev chromium .venv-awscli/.ready  ## run the slow suite
	@$(PYTEST) -n 2 -m slow

lint: $(VENV)/.dev            ## style, layers, Dockerfiles, compose file
	@sh tests/tools/lint.sh $(BIN)

types: $(VENV)/.dev           ## check types
	@$(BIN)/mypy manage.py cellenium_admin grants studies imports

format: $(VENV)/.dev          ## rewrite the code in the project's style
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

check: lint types             ## lint and types

bench: $(VENV)/.dev .venv-bench/.bench          ## benchmarks
	@$(BIN)/python -m tests.bench.audit && $(BIN)/python -m tests.bench.sandbox && $(BIN)/python -m tests.bench.grants && $(BIN)/python -m tests.bench.credentials && .venv-bench/bin/python -m tests.bench.analysis && .venv-bench/bin/python -m tests.bench.questions

docs: $(VENV)/.dev            ## write again what is generated from the code
	@$(BIN)/python -m tests.tools.generate_docs

lock: $(VENV)/.dev            ## compile requirements/*.in into hashed lock files
	@UV=$(BIN)/uv sh requirements/lock.sh

docker-proof:                 ## build the images without a registry (root, slow)
	@sh docker/proof.sh

.PHONY: chromium client
client:                       ## pack the command-line client into one file
	@$(PYTHON) clients/build.py

chromium:
	@sh tests/tools/need_chromium.sh

$(VENV)/.demo: requirements/sandbox.txt requirements/data.txt requirements/install.sh
	@sh requirements/install.sh $(PYTHON) $(VENV) demo

$(VENV)/.dev: requirements/dev.txt requirements/data.txt requirements/install.sh
	@sh requirements/install.sh $(PYTHON) $(VENV) dev

.venv-awscli/.ready: requirements/awscli.txt requirements/install.sh
	@sh requirements/install.sh $(PYTHON) .venv-awscli ready

.venv-bench/.bench: requirements/bench.txt requirements/data.txt requirements/install.sh
	@sh requirements/install.sh $(PYTHON) .venv-bench bench
