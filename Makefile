# `make demo` and `make test` are complete by themselves: they make .venv, install what is missing
# (system packages too, when root or with password-less sudo), and run.

PYTHON ?= $(shell .ci/find-python)
BIN := .venv/bin
DEMO := scenarios/incidents/fortigate-idle-relp.scenario.yaml
PYTEST := $(BIN)/python -m pytest

# Half of a command's start is compiling, where nothing that was compiled is kept.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: docs help release images try-images setup setup-dev demo warp test soak check lint types imports unit incidents mutants kafka pages timers schema bench busy clean

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: .venv/.installed ## make .venv with the commands halfopen and relpio

COMPILED := impl/pyproject.toml impl/hatch_build.py $(wildcard impl/relpio/loops/*.[ch] \
	harness/halfopen/labs/forwarder/loops/*.c)

.venv/.installed: pyproject.toml $(COMPILED) .ci/system-packages
	@.ci/system-packages run
	$(BIN)/python -c 'import pip, ssl' 2>/dev/null || "$(PYTHON)" -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ./impl \
		--editable '.[docker,http,report,toxiproxy]'
	@$(BIN)/python -m relpio.loops
	@$(BIN)/python -m halfopen.labs.forwarder.loops
	@touch $@

setup-dev: .venv/.installed-dev

.venv/.installed-dev: .venv/.installed .ci/system-packages .ci/toxiproxy-server .ci/syslog-ng \
		.ci/rsyslog-releases
	@.ci/system-packages test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ./impl --editable '.[dev]'
	@.ci/toxiproxy-server
	@.ci/syslog-ng
	@.ci/rsyslog-releases
	@touch $@

demo: setup ## the first incident, live: an hour of silence behind a FortiGate
	$(BIN)/halfopen demo

warp: setup ## the same incident unscaled, 6 hours of it in seconds: builds a kernel first, once
	@.ci/system-packages kernel
	$(BIN)/halfopen kernel build
	$(BIN)/halfopen run --lab warp $(DEMO) --out out/warp

check: lint types imports ## style, types and import law

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

imports: setup-dev
	$(BIN)/lint-imports

# Scenarios mostly wait, and take as many places as there is time for: what computes goes beside them.
test: setup-dev ## everything: style, types, import law, scenarios, tests
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=line check try-images incidents
	@$(MAKE) --no-print-directory unit PREPARED=yes

incidents: kafka
ifndef PREPARED # by what `test` does first
unit: try-images
endif

unit: setup-dev ## the tests under tests/
	@$(PYTEST) tests --collect-only -qq >/dev/null || true # compiled once, not by each process
	.ci/engine apart $(PYTEST) tests --numprocesses=6 --dist=loadgroup

images: setup-dev kafka ## the container images of the docker lab
	.ci/engine with .ci/images

try-images: setup-dev kafka
	-@.ci/engine with .ci/images # without an engine, the tests that need one say so

incidents: setup-dev ## the scenario library, every variant
	$(PYTEST) scenarios -v --halfopen-late-retries=1

soak: setup-dev kafka ## tests at full length: 200 crashes, millions of hostile inputs, controls (long)
	HALFOPEN_SOAK=1 $(PYTEST) tests/unit/relpio tests/lab/test_crash_*.py tests/lab/test_input_*.py \
		tests/lab/test_queue_*.py tests/lab/test_receiver_*.py tests/lab/test_rsyslog_interop*.py \
		tests/lab/test_sandbox.py tests/lab/test_trouble.py tests/lab/test_warp*.py --timeout=7200
	$(PYTEST) scenarios --halfopen-control --halfopen-late-retries=1
	.ci/engine with .ci/images
	HALFOPEN_SOAK=1 .ci/engine apart $(PYTEST) tests/docker/test_docker_incidents.py
	@$(MAKE) --no-print-directory mutants

mutants: setup-dev ## relpio and the harness with one bug each: the test or variant that catches it (docs/mutants.md)
	$(BIN)/python -m tests.mutants

pages: setup-dev kafka ## play the incidents and write a page about each into docs/incidents
	rm -rf out/pages
	$(BIN)/halfopen run scenarios/incidents --no-report --out out/pages
	rm -f docs/incidents/*.md docs/incidents/*.svg
	$(BIN)/halfopen page out/pages --to docs/incidents --index

kafka: setup-dev ## bring the jars of Kafka's brokers here, by Maven
	@$(BIN)/python -m halfopen.products.kafka

timers: setup ## measure the kernel's timers on virtual time, and the short ones in real time (docs/kernel-timers.md)
	@mkdir -p out
	$(BIN)/halfopen kernel timers --real > out/kernel-timers.md
	mv out/kernel-timers.md docs/kernel-timers.md

schema: setup ## write the JSON Schema of scenario files, and the page about histories, again
	@mkdir -p out
	$(BIN)/python -m halfopen.model.records.page docs/history.md
	$(BIN)/halfopen schema > out/scenario.schema.json
	mv out/scenario.schema.json harness/halfopen/scenario/scenario.schema.json

docs: setup-dev ## the documentation as a site: out/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build

bench: setup-dev ## figures against peers, side by side (bench/results.json)
	$(BIN)/python -m bench

busy: setup-dev ## thirty variants, twenty times each, beside two busy loops per processor: no verdict is wrong
	$(BIN)/python -m bench.busy

release: setup-dev ## wheels, source archives and notes of this version, checked: dist/
	@.ci/release

clean: ## remove everything that make made
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find harness impl tests -name __pycache__ -prune -exec rm -rf {} +
