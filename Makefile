# Everything a developer or an operator types. `make help` lists it.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=
# Test processes; each starts engines of its own.
WORKERS ?= 3

# Processes that start often start faster from bytecode.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install web up demo test torture siege bench check format proto lock clean
.PHONY: check-python check-dependencies check-web

help: ## Show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements-dev.lock pyproject.toml
	@echo "Installing into $(VENV) (once; half a minute or so)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ChatterRoom needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Say PYTHON=/path/to/python3 make up"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@scripts/install_packages.sh $(VENV) requirements-dev.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP) ## Make the virtual environment and install everything

web: $(STAMP) ## Build the web client, where it is missing or stale
	@$(BIN)/python scripts/build_web.py

up: web ## Start the whole platform (ARGS="--chat 2 --gateway-port 9000")
	@$(BIN)/chatterroom up $(ARGS)

demo: $(STAMP) ## Two users and a room talk to a platform started by `make up`
	@$(BIN)/chatterroom demo $(ARGS)

test: web ## Run every test (ARGS="-k resume")
	@$(BIN)/python scripts/build_web.py --test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder $(ARGS)

torture: $(STAMP) ## Break a running platform at random and judge what it promised (MINUTES=10 ARGS="--help")
	@$(BIN)/python -m torture $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

siege: $(STAMP) ## Attack a platform on which honest people chat (MINUTES=5 ARGS="--help")
	@$(BIN)/python -m siege $(if $(MINUTES),--minutes $(MINUTES)) $(ARGS)

bench: $(STAMP) ## Measure the platform beside its peers (ARGS="--quick", ARGS="--only W1,W2")
	@$(BIN)/python -m bench $(ARGS)

check: $(STAMP) ## Lint, types, import rules, advisories (REQUIRE_ANSWER=1)
	@$(MAKE) --no-print-directory --jobs 3 check-python check-dependencies check-web

check-python:
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive src/chatterroom
	@$(BIN)/python scripts/generate_stubs.py --check

check-dependencies:
	@$(BIN)/python scripts/audit_dependencies.py $(if $(REQUIRE_ANSWER),--require-answer)

check-web:
	@$(BIN)/python scripts/build_web.py --check

format: $(STAMP) ## Format and sort imports
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

proto: $(STAMP) ## Generate the gRPC stubs from proto/
	@$(BIN)/python scripts/generate_stubs.py

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command "make lock" --upgrade

lock: $(STAMP) ## Refresh requirements*.lock from pyproject.toml
	@$(BIN)/pip install --quiet --upgrade uv
	@echo uv | $(COMPILE) --output-file scripts/uv-requirements.txt -
	@$(COMPILE) --output-file requirements.lock pyproject.toml scripts/build-requirements.in
	@$(COMPILE) --output-file requirements-dev.lock --constraint requirements.lock \
	  --extra engines --group dev pyproject.toml scripts/build-requirements.in

clean: ## Remove the virtual environment and caches (never your data)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf web/node_modules src/chatterroom/web_files
