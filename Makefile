# Everything runs from .venv, which `make setup` fills from the locked, hashed requirements.
# A fresh Debian needs python3 (3.11 or later), python3-venv, make and git.

PYTHON ?= python3
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-input --require-hashes
LOCKS  := requirements

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check bench soak lock

help: ## show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{ printf "  make %-7s %s\n", $$1, $$2 }'

setup: .venv/.dev ## install everything, the tools for tests included, into .venv

demo: .venv/.runtime .venv/bare/.done ## play one real case from order to offline proof
	$(BIN)/writ demo --verifier .venv/bare/bin/writ

serve: .venv/.runtime ## start the service with its own Postgres, in ./writ-data
	$(BIN)/writ serve --data writ-data

test: check .venv/bare/.done ## everything CI runs: check, then the tests against a real Postgres
	$(BIN)/pytest

check: .venv/.dev ## ruff, mypy and the import contracts, without the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: .venv/.dev ## measure the promised rates side by side, print a table, write bench.json
	$(BIN)/python -m tests.bench

soak: .venv/.dev ## kill the service and Postgres under load, many times in a row
	$(BIN)/pytest -m soak

lock: .venv/.dev ## renew the locked requirements from pyproject.toml
	$(call compile,pyproject.toml,verify)
	$(call compile,--extra server pyproject.toml,server)
	$(call compile,--extra dev pyproject.toml,dev)
	$(call compile,$(LOCKS)/build.in,build)
	$(call compile,--no-deps $(LOCKS)/demo.in,demo)

define compile
$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url $(1) --output-file $(LOCKS)/$(2).lock
endef

# Each stamp is newer than the locks it was made from, so a second `make setup` does nothing.
.venv/.runtime: pyproject.toml $(LOCKS)/build.lock $(LOCKS)/server.lock $(LOCKS)/demo.lock
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) -r $(LOCKS)/build.lock -r $(LOCKS)/server.lock
	$(PIP) --no-deps -r $(LOCKS)/demo.lock
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# A second environment, with the verifier's two dependencies and nothing else: what a regulator's laptop has.
.venv/bare/.done: .venv/.runtime $(LOCKS)/verify.lock $(wildcard ledger/*.py signing/*.py projections/*.py projections/runners/*.py)
	test -x .venv/bare/bin/python || $(PYTHON) -m venv .venv/bare
	.venv/bare/bin/python -m pip --disable-pip-version-check install --quiet --no-input --require-hashes -r $(LOCKS)/verify.lock
	rm -rf .venv/wheel
	$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --no-build-isolation --wheel-dir .venv/wheel .
	.venv/bare/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --force-reinstall .venv/wheel/*.whl
	touch $@

.venv/.dev: .venv/.runtime $(LOCKS)/dev.lock
	$(PIP) -r $(LOCKS)/dev.lock
	touch $@
