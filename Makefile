# Countersign. `make help` lists the targets; each sets up what it needs first, once.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup layer demo up watch mail down test check lint format audit mutants docs histories upgrade-check release bench cost load faults soak synth prove redrive bootstrap preflight diff deploy destroy lock clean

STAGE ?= local
ARGS ?=
STEPS ?= 10000
SEED ?= 1
N ?= 400

SYSTEM_PYTHON = $(or $(PYTHON),python3)
PY := .venv/bin/python
CLOUD_PY := .local/ministack-venv/bin/python
AUDIT_PY := .local/audit-venv/bin/python
CDK = node_modules/.bin/cdk --app '$(PY) app.py' --context stage=$(STAGE)

# The caller's own Python environment must not leak into this one. Bytecode is written (inside the checkout), because
# much here is a short run of a large library: without it every synth takes 2 s longer.
unexport PYTHONHOME PYTHONPATH VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# Only where the CDK runs: jsii warns of every Node.js release past its end of life, and the CLI reports how it is used.
demo up watch test check audit mutants bench cost load faults synth bootstrap diff deploy destroy: export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = \
	$(shell node -p 'process.versions.node.split(".")[0]' 2>/dev/null)
demo up watch test check audit mutants bench cost load faults synth bootstrap diff deploy destroy: export CDK_DISABLE_CLI_TELEMETRY = true

# ---- Set-up: a stamp each, made again when its lock, or the Python under it, changes ----

READY := node_modules/.stamp .venv/.stamp .local/ministack-venv/.stamp build/vendor-layer.stamp

define system_python
@command -v $(SYSTEM_PYTHON) >/dev/null || { \
	echo 'error: $(SYSTEM_PYTHON) is missing: Countersign needs Python 3.13, or at least 3.11.' >&2; \
	echo '  Debian, Ubuntu: apt-get install python3 python3-venv · macOS: brew install python' >&2; \
	echo '  or name one that you have: make PYTHON=/path/to/python3' >&2; exit 1; }
@$(SYSTEM_PYTHON) -m tools.setup
endef

node_modules/.stamp: package.json package-lock.json .npmrc
	$(system_python) node
	@touch $@

.venv/.stamp: requirements.txt tools/setup.py $(PY)
	$(system_python) python
	@touch $@

.local/ministack-venv/.stamp: local/requirements.txt .venv/.stamp $(CLOUD_PY)
	$(system_python) cloud
	@touch $@

.local/audit-venv/.stamp: tools/requirements.txt .venv/.stamp $(AUDIT_PY)
	$(system_python) audit
	@touch $@

build/vendor-layer.stamp: layers/vendor/requirements.txt layers/vendor/services.txt tools/vendor_layer.py tools/bytecode.py .venv/.stamp
	@$(PY) -m tools.vendor_layer
	@touch $@

# Rules without a recipe: a Python that is gone, upgraded or was never there brings its environment's stamp up again.
$(PY) $(CLOUD_PY) $(AUDIT_PY):

# ---- Targets ----

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(READY) ## Set up this checkout (every other target does it too)
	@echo 'Set up. Next: make demo, or make test.'

layer: .venv/.stamp ## Build the vendor layer and print its size
	@$(PY) -m tools.vendor_layer
	@touch build/vendor-layer.stamp

demo: $(READY) ## Run a workflow on the embedded cloud [SCENARIO=order-approval|payment|…|all] [ANSWER=approve|…]
	@$(PY) -m local demo $(if $(ANSWER),--answer '$(ANSWER)') $(if $(SCENARIO),--scenario '$(SCENARIO)')

up: $(READY) ## Start the embedded cloud, deploy onto it, leave it running [PORT=4566]
	@$(PY) -m local up $(if $(PORT),--port '$(PORT)')

watch: $(READY) ## Make changed code live on the embedded cloud within seconds, until Ctrl-C
	@$(PY) -m local watch

mail: $(READY) ## List the mail that the embedded cloud has sent, with its review links
	@$(PY) -m local mail

down: ## Stop the embedded cloud
	@if [ -x $(PY) ]; then $(PY) -m local down; fi

test: ## Lint and, beside it, run every test [ARGS='-k review']
	@$(MAKE) --no-print-directory --jobs=2 lint suite

.PHONY: suite
suite: $(READY)
	@$(PY) -m tools.browser
	@$(PY) -m tools.suite $(ARGS)

check: .venv/.stamp ## Lint and, beside it, run the unit tests with fewer random examples: under a minute
	@$(MAKE) --no-print-directory --jobs=2 lint unit

.PHONY: unit
unit: # In one process: distributing 5,000 short tests takes as long as a second process saves.
	@$(PY) -m pytest -q --hypothesis-profile=quick tests/unit $(ARGS)

lint: .venv/.stamp ## Check style and types
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m mypy

format: .venv/.stamp ## Format the code and mend what can be mended
	@$(PY) -m ruff check --fix --quiet || true
	@$(PY) -m ruff format

audit: $(READY) .local/audit-venv/.stamp ## Audit the security of templates, code and locks, the accessibility of every page, and every route
	@$(PY) -m tools.audit
	@$(PY) -m tools.accessibility
	@$(PY) -m tools.fuzzing

mutants: .venv/.stamp .local/audit-venv/.stamp ## Change the library at random places and see whether tests notice [N=400] [SEED=1]
	@$(PY) -m tools.mutants --count $(N) --seed $(SEED)

histories: .venv/.stamp ## Record what the workflows of extensions/ do at each wait, for make upgrade-check
	@$(PY) -m tools.histories

upgrade-check: .venv/.stamp ## Check that executions of earlier releases and of extensions/ continue on this code [FROM=0.2.0]
	@$(PY) -m tools.upgrade_check '$(FROM)'

docs: .venv/.stamp ## Build the documents as a site, and check every link in them
	@$(PY) -m tools.reference
	@$(PY) -m tools.interfaces
	@$(PY) -m uv run --quiet --no-project --isolated --with-requirements docs/requirements.txt \
		sphinx-build -q -W --keep-going -c docs . build/docs
	@echo 'The site is in build/docs: open build/docs/docs/index.html'

load: $(READY) ## Measure clicks, an inbox and a sweep on the embedded cloud while 100 to 10,000 tasks wait
	@$(PY) -c 'import sys; from benchmarks import load; sys.exit(not load.measure())'

faults: $(READY) ## Kill functions in the middle of their work on the embedded cloud, and restart it
	@$(PY) -c 'import sys; from benchmarks import faults; sys.exit(not faults.measure())'

soak: .venv/.stamp ## Let everything go wrong in any order, and prove what must hold [STEPS=10000] [SEED=1]
	@PYTHONHASHSEED=0 PYTHONPATH=.:lambdas:layers/countersign/python \
		$(PY) -m benchmarks.soak --steps $(STEPS) --seed $(SEED)

release: .venv/.stamp ## Record what later releases must understand of this one: VERSION=0.2.0
	@PYTHONHASHSEED=0 PYTHONPATH=.:lambdas:layers/countersign/python $(PY) -m tools.release '$(VERSION)'

bench: $(READY) ## Measure cold starts, a webhook's event and each workflow's operations, with their bounds
	@$(PY) -m benchmarks $(ARGS)

cost: $(READY) ## Count what approvals, reminders and payments cost, with their bounds [STAGE=dev] [ARGS=--items]
	@PYTHONPATH=.:lambdas:layers/countersign/python \
		$(PY) -m benchmarks.cost $(if $(filter-out local,$(STAGE)),'$(STAGE)') $(ARGS)

synth: $(READY) ## Write the CloudFormation templates to cdk.out [STAGE=local] [ARGS='--context sender=…']
	@$(CDK) synth --quiet $(ARGS)
	@echo 'The templates of the stage $(STAGE) are in cdk.out.'

prove: $(READY) ## Prove the product's claims on a deployed stage, and write a report [STAGE=local]
	@.venv/bin/countersign prove $(if $(filter local,$(STAGE)),--local,--stage '$(STAGE)') $(ARGS)

redrive: $(READY) ## Have dead letters processed again; mend first what they failed on [STAGE=local] [QUEUE=approvals-dlq]
	@.venv/bin/countersign redrive $(if $(QUEUE),'$(QUEUE)',--all) $(if $(filter local,$(STAGE)),--local,--stage '$(STAGE)')

bootstrap: account_stage $(READY) ## Prepare an AWS account and region for the CDK, once: STAGE=dev
	@$(CDK) bootstrap

preflight: account_stage $(READY) ## Check that the account and the region are ready for a deploy: STAGE=dev
	@.venv/bin/countersign preflight --stage '$(STAGE)'

diff: account_stage $(READY) ## Show what a deploy would change: STAGE=dev [ARGS=…]
	@$(CDK) diff $(ARGS)

deploy: account_stage confirmed $(READY) ## Preflight, deploy into your AWS account, doctor: STAGE=dev [YES=1] [ARGS=…]
	@.venv/bin/countersign preflight --stage '$(STAGE)'
	@$(CDK) deploy --all $(if $(YES),--require-approval never) $(ARGS)
	@.venv/bin/countersign doctor --stage '$(STAGE)' || { status=$$?; \
		echo 'The stage $(STAGE) is deployed. The findings of doctor are above.' >&2; exit $$status; }

destroy: account_stage confirmed $(READY) ## Delete what was deployed: STAGE=dev [STOP=1] [YES=1] [ARGS=…]
	@.venv/bin/countersign teardown --stage '$(STAGE)' --erase $(if $(STOP),--stop)
	@$(CDK) destroy --all $(if $(YES),--force) $(ARGS)

.PHONY: account_stage confirmed
account_stage:
	@test '$(STAGE)' != local || { \
		echo 'error: the stage local is the embedded cloud (make up, make demo), not an AWS account.' >&2; \
		echo '  Name a stage of settings/: make $(firstword $(MAKECMDGOALS)) STAGE=dev' >&2; exit 1; }
	@test -f 'settings/$(STAGE).toml' || { \
		echo 'error: settings/$(STAGE).toml does not exist; stages: $(patsubst settings/%.toml,%,$(wildcard settings/*.toml))' >&2; \
		exit 1; }
confirmed:
	@test -n '$(YES)' || { test -t 0 && test -t 1; } || { \
		echo 'error: the CDK asks before it changes the account, and needs a terminal for that.' >&2; \
		echo '  Read make diff STAGE=$(STAGE), then: make $(firstword $(MAKECMDGOALS)) STAGE=$(STAGE) YES=1' >&2; exit 1; }

lock: .venv/.stamp ## Compile the locks from requirements.in and package.json
	@for name in layers/vendor/requirements requirements local/requirements tools/requirements docs/requirements; do \
		$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header $(ARGS) \
			$$name.in --output-file $$name.txt || exit 1; done
	@npm install --package-lock-only --silent

clean: down ## Remove everything that was set up, built or cached
	rm -rf .venv .local node_modules build cdk.out .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
