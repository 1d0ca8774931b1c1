# Every command of this project. CI calls the same ones: see .ci/run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
SETUP := $(VENV)/.ready node_modules/.ready .lab/runtime/.ready

# A test session starts hundreds of Python processes, which otherwise compile every module again.
unexport PYTHONDONTWRITEBYTECODE

# More workers than cores: tests wait more than they compute.
WORKERS ?= 4
QUICK := tests/unit tests/contract $(addprefix --ignore tests/unit/,stacks functions lab/dashboard)

.PHONY: help setup rie demo test quick check fix synth snapshots template-checks docs pictures screenshots bench-engine bench-report bench-dashboard bench-synth bench-truth lock clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(SETUP) ## install the virtual environment, node, the CDK CLI and the functions' runtimes

$(VENV)/.ready: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check "$$(grep -oE '^uv==[^ ]+' requirements.txt)"
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements-dev.txt
	@printf '#!%s\nimport sys\n\nsys.path.insert(0, "%s")\nfrom lab.__main__ import start\n\nstart()\n' "$(CURDIR)/$(BIN)/python" "$(CURDIR)" > $(BIN)/lab && chmod +x $(BIN)/lab
	@touch $@

node_modules/.ready: package-lock.json $(VENV)/.ready
	npm ci --silent
	@touch $@

.lab/runtime/.ready: lab/engine/runtime-requirements.txt $(VENV)/.ready
	$(BIN)/python -m lab.engine.interpreters
	@touch $@

.lab/rie/.ready: tests/engine/rie-requirements.txt $(VENV)/.ready
	$(BIN)/uv pip install --quiet --no-deps --require-hashes --target .lab/rie -r tests/engine/rie-requirements.txt
	@touch $@

rie: .lab/rie/.ready ## install AWS's Runtime Interface Emulator, which a test compares the engine with

demo: setup ## deploy to the local endpoint, run every variant, compare
	$(BIN)/python -m lab.cli.demo

test: setup .lab/rie/.ready ## run every test: five minutes on two quiet cores
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

quick: setup ## run the tests that need no synthesis, no deployment and no browser: one minute
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile $(QUICK)

check: setup ## run ruff, mypy and import-linter
	ruff check .
	ruff format --check .
	mypy
	PYTHONPATH=layer/python lint-imports

fix: setup ## fix what ruff can fix
	ruff check --fix .
	ruff format .

synth: setup ## synthesize and validate the cloud assembly in cdk.out
	cdk synth --quiet

snapshots: setup ## regenerate the snapshots of the templates: read the diff
	$(BIN)/python -m pytest tests/snapshot --snapshot-update

template-checks: setup ## regenerate the page of the faults that the template checks find: three minutes
	$(BIN)/python -m tests.snapshot.faults_page

docs: setup ## regenerate the generated parts of the README and the docs
	$(BIN)/python docs/generate.py
	$(BIN)/python -m tests.recorded.page

pictures: setup ## regenerate the README's pictures from the committed results
	$(BIN)/python -m lab.charts.pictures docs/results/demo docs/results/demo

screenshots: setup ## regenerate the pictures of the pages: needs Chromium
	$(BIN)/python -m tests.browser.screenshots

bench-engine: setup .lab/rie/.ready ## benchmark the engine beside RIE and ministack: needs wrk and ten quiet minutes
	$(BIN)/python -m tests.bench.bench_engine

bench-report: setup ## benchmark the report of many simulated records
	$(BIN)/python tests/bench/bench_report.py --out docs/results/report-bench.md

bench-dashboard: setup ## benchmark the dashboard of simulated records: three quiet minutes
	$(BIN)/python -m tests.bench.bench_dashboard --out docs/results/dashboard-bench.md

bench-synth: setup ## benchmark a synthesis
	$(BIN)/python -m tests.bench.bench_synth

bench-truth: setup ## demonstrate that conclusions hold when runs are repeated: a quiet hour, or PART=…
	$(BIN)/python -m tests.bench.bench_truth $(PART)

LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --custom-compile-command "make lock"
lock: $(VENV)/.ready ## resolve every requirements file again
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	$(LOCK) layer/python/warmcache/pyproject.toml -o layer/requirements.txt
	$(LOCK) lab/fleet/function-requirements.in -o lab/fleet/function-requirements.txt
	$(LOCK) lab/engine/runtime-requirements.in -o lab/engine/runtime-requirements.txt
	npm install --package-lock-only

clean: ## remove what setup and tests made; keep runs
	rm -rf $(VENV) node_modules cdk.out build .lab .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
