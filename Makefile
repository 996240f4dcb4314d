# make demo · dev · test · test-system · audit · bench · bench-quick · lint · lock: each installs what it needs.
PYTHON ?= python3
BIN := .venv/bin
RUN_PACKAGES := fontconfig fonts-noto-color-emoji fonts-noto-cjk fonts-noto-core libharfbuzz-subset0 libpango-1.0-0 libpangoft2-1.0-0
TEST_PACKAGES := $(RUN_PACKAGES) chromium mariadb-client-core mariadb-server-core nginx-light poppler-utils postgresql qpdf redis-server systemd
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check
UV_INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python --compile-bytecode
UV_INSTALL_LOWEST := $(BIN)/uv pip install -q --python .venv-lowest/bin/python --compile-bytecode
QUICK_TESTS := $(addprefix tests/,aggregates archive config deliver extract render report runtime sources state warehouse)
LOCK_OPTIONS := --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate --no-strip-extras --quiet
LOCK := $(BIN)/uv pip compile pyproject.toml $(LOCK_OPTIONS)

# A process that keeps no bytecode compiles every module again; the tests start some two hundred.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install install-all demo demo-hostile dev test behavior test-lowest test-system audit bench bench-quick lint lock advisories clean system-run system-test

help: ## List these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## / - /'

install: system-run .venv/installed ## Install what the product needs on one machine

install-all: install .venv/installed-all ## Install the extras too: databases, workers, object stores and more

demo: install demo/events.csv ## Make a synthetic inbox, run the whole flow, print the reports
	$(BIN)/assignment-reports run --config reports.yaml --report-date 2026-11-18

demo-hostile: install demo/hostile/events.csv ## Make the reports of an inbox with hostile names, below demo/hostile
	$(BIN)/assignment-reports run --config tests/demo-hostile.yaml --report-date 2026-11-18

demo/events.csv: | .venv/installed
	$(BIN)/assignment-reports demo-data $@

demo/dev/reports.yaml: deploy/dev.yaml | .venv/installed
	@mkdir -p demo/dev
	first_day=$$($(BIN)/python -c "import datetime as d; print(d.date.today() - d.timedelta(75))") && \
		sed "s/FIRST_DAY/$$first_day/" $< > $@

demo/hostile/events.csv: | .venv/installed
	$(BIN)/assignment-reports demo-data --hostile $@

dev: export ASSIGNMENT_REPORTS_CONFIG ?= $(CURDIR)/demo/dev/reports.yaml
dev: install demo/dev/reports.yaml ## Open Dagster's UI on http://127.0.0.1:3000, with a synthetic inbox that lives
	@mkdir -p .dagster && cp dagster.yaml .dagster/
	PYTHONTZPATH= DAGSTER_HOME=$(CURDIR)/.dagster $(BIN)/assignment-reports serve --dev

test: system-test .venv/installed-dev ## Check the code and test all behavior
	@$(MAKE) --no-print-directory -j2 lint behavior

behavior: # mypy needs one core for half a minute, in which tests can wait for their servers
	$(BIN)/pytest -n $$(($$(nproc) + 1)) --dist worksteal --ignore=tests/system --ignore=tests/audit  # one more: some tests wait

test-system: system-test .venv/installed-dev ## Test whole deployments under faults, and with more examples
	$(BIN)/pytest -n $$(($$(nproc) + 1)) --dist loadgroup -m "not slow and not alone" tests/system tests/audit
	$(BIN)/pytest -m "alone and not slow" tests/audit

audit: system-test .venv/installed-dev ## Attack everything that takes input, make every write fail, count what held
	@rm -f docs/audit.json
	$(BIN)/pytest -n $$(($$(nproc) + 1)) --dist loadgroup -m "not alone" --durations=10 --audit-figures docs/audit.json tests/audit
	$(BIN)/pytest -m alone --audit-figures docs/audit.json tests/audit

bench: system-test .venv/installed-bench ## Measure every stage against the script a user would write
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.page

bench-quick: system-test .venv/installed-bench ## Measure what most changes touch, in some minutes
	$(BIN)/python -m benchmarks --quick

test-lowest: system-test .venv/bin/uv ## Run the quick tests with the lowest versions that pyproject.toml claims
	$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-lowest
	$(BIN)/uv pip compile -q pyproject.toml --extra all --resolution lowest-direct --no-emit-index-url -o .venv-lowest/lowest.txt
	$(UV_INSTALL_LOWEST) --constraints .venv-lowest/lowest.txt --group dev --editable ".[all]"
	.venv-lowest/bin/pytest -n $$(nproc) --dist worksteal $(QUICK_TESTS)

lint: .venv/installed-dev ## Check format, style, types and import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: .venv/bin/uv ## Write the lock files anew, and the bill of materials
	$(BIN)/uv pip compile --group install $(LOCK_OPTIONS) -o requirements/install.lock
	$(LOCK) --extra all --group dev -o requirements/dev.lock
	$(BIN)/uv pip compile --group bench -c requirements/dev.lock $(LOCK_OPTIONS) -o requirements/bench.lock
	$(LOCK) --group build -c requirements/dev.lock -o requirements/core.lock
	$(LOCK) --extra all --group build -c requirements/dev.lock -o requirements/all.lock
	$(BIN)/uv pip compile --group supply -c requirements/dev.lock $(LOCK_OPTIONS) -o requirements/supply.lock
	@$(MAKE) --no-print-directory requirements/sbom.json

# What is installed is described: of the lock files themselves nobody knows the licenses. The same lock gives the same bytes.
requirements/sbom.json: requirements/all.lock .venv-supply/installed
	$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-sbom
	$(BIN)/uv pip install -q --python .venv-sbom/bin/python --require-hashes -r $<
	.venv-supply/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml -o $@ .venv-sbom/bin/python

advisories: .venv-supply/installed ## Look up known vulnerabilities of the locked packages at PyPI
	.venv-supply/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/all.lock

.venv-supply/installed: requirements/supply.lock | .venv/bin/uv
	$(BIN)/uv venv -q --clear --python $(BIN)/python .venv-supply
	$(BIN)/uv pip install -q --python .venv-supply/bin/python --require-hashes -r $<
	@touch $@

clean: ## Remove what was installed and made
	rm -rf .venv .venv-lowest .venv-sbom .venv-supply .dagster demo lake state.sqlite* reports_out/*/ reports_out/index.html

# A Python that somebody names must be that of .venv; without a name, the one that is there is taken.
ifneq ($(wildcard .venv/bin/python),)
ifneq ($(origin PYTHON),file)
VERSION := import sys; print("%d.%d" % sys.version_info[:2])
ASKED := $(shell $(PYTHON) -c '$(VERSION)')
FOUND := $(shell .venv/bin/python -c '$(VERSION)')
ifneq ($(ASKED),$(FOUND))
$(error .venv has Python $(FOUND), and PYTHON=$(PYTHON) is $(or $(ASKED),not there): remove it first, rm -rf .venv)
endif
endif
endif

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or later is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/bin/uv: requirements/install.lock | .venv/bin/python
	$(PIP_INSTALL) --require-hashes -r $<
	@touch $@

# uv takes seconds where pip takes minutes; pip knows the indexes of its own configuration.
.venv/installed: requirements/core.lock pyproject.toml | .venv/bin/uv
	$(UV_INSTALL) --require-hashes -r $< || $(PIP_INSTALL) --require-hashes -r $<
	$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/installed-all .venv/installed-dev .venv/installed-bench: .venv/installed-%: requirements/%.lock .venv/installed
	$(UV_INSTALL) --require-hashes -r $< || $(PIP_INSTALL) --require-hashes -r $<
	@touch $@

.venv/installed-bench: .venv/installed-dev

system-run: PACKAGES = $(RUN_PACKAGES)
system-test: PACKAGES = $(TEST_PACKAGES)
system-run system-test:
	@command -v dpkg-query >/dev/null || { echo "No Debian packages here: 'assignment-reports doctor' says what is missing"; exit 0; }; \
	missing=$$(for name in $(PACKAGES); do dpkg-query -W -f='$${Status}' $$name 2>/dev/null | grep -q 'ok installed' || echo $$name; done); \
	test -z "$$missing" && exit 0; \
	test "$$(id -u)" = 0 || { echo "Please install: sudo apt-get install" $$missing; exit 1; }; \
	echo "Installing" $$missing; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null
