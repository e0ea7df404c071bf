# `make help` lists what there is.

ARGS ?=
URL ?= http://127.0.0.1:$(or $(PORT),8787)
# What the function may weigh, zipped, in bytes.
MAX_BUNDLE := 4194304
CARGO_DENY := 0.20.2
# What bundles are built for: arm64 or x86_64.
ARCHITECTURE ?= arm64

.DEFAULT_GOAL := help
.PHONY: help run demo test test-sqs test-openapi test-terra-api bench lint doc deny check-infra rehearse build deploy ship smoke rollback secret terra-key restore round destroy size golden cost cost-page check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## receive deliveries on this machine; PORT=9000, ARGS="--data elsewhere"
	cargo run --quiet --locked -p terrace-cli --bin terrace -- serve $(ARGS)

demo: ## send a month of deliveries for twenty users to `make run`, and compare; PORT, URL, ARGS
	cargo run --quiet --locked -p terrace-cli --bin terrace -- simulate --url $(URL) --users 20 --days 30 --duplicates 0.10 $(ARGS)

test: ## all tests, those in the documentation too; ARGS="-p terrace-terra" for some
	cargo test $(if $(ARGS),,--workspace) --locked $(ARGS)

test-sqs: ## the jobs over SQS, as an emulator from PyPI has it; needs Python 3
	tests/sqs/run.sh

test-openapi: ## the handlers against their OpenAPI document, with schemathesis from PyPI; needs Python 3; EXAMPLES, SEED
	tests/openapi/run.sh

test-terra-api: ## Terra's API as its own document has it; TERRA_OPENAPI=path of the document; needs Node
	tests/terra-api/run.sh

bench: ## the budgets, beside a plain Node and a plain Python receiver
	cargo build --release --locked -p terrace-webhook
	cargo build --release --locked -p terrace-query
	cargo build --release --locked -p terrace-cli
	cargo run --release --locked -p terrace-bench -- $(ARGS)

lint: ## format and lints, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

doc: ## the documentation of every crate, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --all-features --no-deps --locked

deny: ## licences, sources, banned crates; advisories where their database can be fetched
	@cargo deny --version > /dev/null 2>&1 || cargo install --locked --debug cargo-deny@$(CARGO_DENY)
	cargo deny --locked check --hide-inclusion-graph bans licenses sources
	@mkdir -p target; \
	if cargo deny --locked fetch db > target/advisories.log 2>&1; then \
		cargo deny --locked check --hide-inclusion-graph --disable-fetch advisories; \
	else \
		echo "ADVISORIES NOT CHECKED, their database could not be fetched: $$(grep -E "fatal|ERROR" target/advisories.log | tail -n 1)"; \
	fi

check-infra: ## the Terraform: format, validity, tests, checkov; says what it cannot run
	infra/check.sh

rehearse: ## apply the stack to an emulator and send deliveries through it; the first time half an hour longer
	infra/rehearse/run.sh

build: ## the functions as Lambda takes them, the same bytes from the same source; ARCHITECTURE=x86_64
	@ARCHITECTURE='$(ARCHITECTURE)' infra/bin/build.sh

deploy: ## plan and apply an environment, and send a delivery through it; ENV=dev, YES=1 asks nothing
	@ENV='$(ENV)' YES='$(YES)' infra/bin/deploy.sh

ship: ## one function's code to an environment that is there; ENV=dev FUNCTION=webhook
	@ENV='$(ENV)' FUNCTION='$(FUNCTION)' infra/bin/ship.sh

smoke: ## one signed delivery of no health data through an environment; ENV=dev
	@ENV='$(ENV)' infra/bin/smoke.sh

rollback: ## a function's alias to the version before; ENV=dev FUNCTION=webhook VERSION=3
	@ENV='$(ENV)' FUNCTION='$(FUNCTION)' VERSION='$(VERSION)' infra/bin/rollback.sh

secret: ## store a signing secret, the one before stays good; ENV=dev
	@ENV='$(ENV)' infra/bin/secret.sh

terra-key: ## store the developer id and API key that a diagnosis asks Terra with; ENV=dev
	@ENV='$(ENV)' infra/bin/terra-key.sh

restore: ## the table as of a moment, under another name, for the next deploy to use; ENV=dev AT=2026-07-01T06:00:00Z
	@ENV='$(ENV)' AT='$(AT)' YES='$(YES)' infra/bin/restore.sh

round: ## the daily round at once; ENV=dev
	@ENV='$(ENV)' infra/bin/round.sh

destroy: ## remove an environment and all its data; refuses production; ENV=dev
	@ENV='$(ENV)' infra/bin/destroy.sh

size: ## a release build of the webhook, zipped, against its budget
	cargo build --release --locked -p terrace-webhook
	@python3 infra/bin/bundle.py zip target/release/webhook target/release/bootstrap.zip
	@bytes=$$(wc -c < target/release/bootstrap.zip); echo "webhook, zipped: $$bytes bytes of $(MAX_BUNDLE)"; \
		test $$bytes -le $(MAX_BUNDLE) || { echo "over the budget: see what grew with 'cargo bloat --release --crates -p terrace-webhook'"; exit 1; }

cost: ## what Terrace costs, by the month; ARGS="--deliveries 3000000 --log-days 30" for a case of your own
	@cargo run --quiet --locked -p terrace-cli --bin terrace -- cost $(ARGS)

cost-page: ## the tables of docs/COST.md, made anew
	@mkdir -p target
	@cargo run --quiet --locked -p terrace-cli --bin terrace -- cost > target/cost.md
	@awk '/<!-- begin: terrace cost/ { print; while ((getline line < "target/cost.md") > 0) print line; skip = 1 } \
		/<!-- end: terrace cost/ { skip = 0 } !skip' docs/COST.md > target/COST.md && mv target/COST.md docs/COST.md

golden: ## sign the golden vectors anew with Terra's own SDKs
	tests/golden/regenerate/run.sh

check: ## everything that .ci/run does
	.ci/run

clean: ## remove what was built; .terrace/ stays
	cargo clean
