# The habits of this project. A newcomer needs Python >= 3.11 and make; everything else is installed here.
PYTHON ?= python3
PORT ?= 8000
DATA ?= .demo
BIN := .venv/bin
UV := $(BIN)/uv
SYNC := UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --frozen --inexact --quiet

# Some machines forbid Python to keep its bytecode; each command that a test starts would compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo demo-network test search lint format bench shots wheel deb packaging soak scale clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/	/' | expand -t 14

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mahakam needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=…" >&2; exit 2; }
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { rm -rf .venv; tools/system-packages python3-venv && $(PYTHON) -m venv .venv; }
	@echo "Installing uv …" && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv

.venv/.run: pyproject.toml uv.lock | $(UV)
	@echo "Installing Mahakam's Python packages …"
	@$(SYNC) --no-default-groups --group assets
	@touch $@

.venv/.dev: pyproject.toml uv.lock | $(UV)
	@echo "Installing the packages for development …"
	@$(SYNC) --extra spark
	@touch $@ .venv/.run

.venv/.bench: pyproject.toml uv.lock | $(UV)
	@$(SYNC) --group bench
	@touch $@

.PHONY: assets
assets: .venv/.run
	@$(BIN)/python -m mahakam.web.build

setup: .venv/.dev assets  ## the whole environment for development
	@$(BIN)/python -m tools.test_servers

demo: .venv/.run assets  ## load the example cities and serve them (PORT=8000, DATA=.demo)
	@exec $(BIN)/mahakam demo --data $(DATA) --port $(PORT)

demo-network: .venv/.run assets  ## the same as a hub and nodes of cities, each a process (PORT=8000 and those after it)
	@exec $(BIN)/mahakam demo-network --data $(DATA)-network --port $(PORT)

test: setup  ## all tests, the browser's included
	@tools/system-packages chromium postgresql postgresql-postgis default-jre-headless mariadb-server systemd faketime nats-server iproute2 nginx-light
	@$(BIN)/python -m pytest -n auto

search: setup  ## the property tests again with examples drawn at random, many more of them
	@HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -n auto -m hypothesis

lint: setup  ## style, types and the direction of imports
	@$(BIN)/ruff check src tests bench tools
	@$(BIN)/ruff format --check src tests bench tools
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup  ## put the style right
	@$(BIN)/ruff check --fix src tests bench tools
	@$(BIN)/ruff format src tests bench tools

bench: setup .venv/.bench  ## the figures of bench/README.md, measured again
	@$(BIN)/python -m bench

shots: setup  ## pictures of the main pages into docs/images/
	@tools/system-packages chromium
	@$(BIN)/python -m tools.shots

wheel: setup  ## dist/*.whl, with the browser assets and the examples inside, and its bill of materials
	@$(UV) build --quiet --wheel
	@$(BIN)/python -m tools.sbom

deb: .venv/.run assets  ## dist/*.deb, with all that it needs but Debian's Python
	@$(BIN)/python -m tools.deb

packaging: setup  ## the Debian package really built, installed, upgraded and purged on a fresh Debian
	@$(BIN)/python -m pytest -m packaging tests/operations/test_packages.py

soak: setup  ## half an hour of mixed load, into docs/soak.md
	@$(BIN)/python -m tools.soak

scale: setup  ## what one and two workers do, and what a country would need, into docs/scale.md
	@tools/system-packages postgresql postgresql-postgis
	@$(BIN)/python -m tools.scale

clean:  ## forget the environment, the assets and the demo's data
	@rm -rf .venv .demo .demo-network src/mahakam/web/static dist
