# Every chore of the project. `make help` lists them. Works on a bare Debian machine with Python 3.11.
.DEFAULT_GOAL := help
SHELL := /bin/bash -o pipefail
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

PROTO_FILES = $(sort $(shell find protos/borealis -name '*.proto'))
PYTHON_OUT := protos/gen/python
SDK_OUT := clients/python/borealis_client/_generated

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 20

$(VENV)/.installed: requirements.lock pyproject.toml .ci/bootstrap
	@.ci/bootstrap
	@touch $@

.PHONY: install
install: $(VENV)/.installed ## Install the project and its tools into .venv

.PHONY: generate
generate: install ## Generate Python code from the protos
	@rm -rf $(PYTHON_OUT)/borealis $(SDK_OUT)
	@mkdir -p $(PYTHON_OUT) $(SDK_OUT)
	@python -m grpc_tools.protoc -Iprotos --python_out=$(PYTHON_OUT) --pyi_out=$(PYTHON_OUT) \
	  --grpc_python_out=$(PYTHON_OUT) --mypy_grpc_out=$(PYTHON_OUT) $(PROTO_FILES) 2>&1 | { grep -v "^Writing" || true; }
	@find $(PYTHON_OUT) -name "*_pb2_grpc.py*" ! -name "*_service_pb2_grpc.py*" -delete
	@buf generate --template protos/buf.gen.yaml 2>&1 | { grep -v '^Writing' || true; }

.PHONY: lock
lock: install ## Resolve the dependencies anew into requirements.lock
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --all-extras --group dev --exclude-newer "$$(date -u -d '7 days ago' +%FT%TZ)" pyproject.toml -o requirements.lock

SOURCES := server agent clients protos/wire protos/deployfile protos/fetch tests

.PHONY: format
format: install ## Format the code
	@ruff check -q --fix-only $(SOURCES)
	@ruff format -q $(SOURCES)

.PHONY: check
check: install ## Check everything that needs no test: format, lint, types, imports, protos, generated code, spelling, known vulnerabilities
	@ruff format -q --check $(SOURCES)
	@ruff check -q $(SOURCES)
	@mypy $(SOURCES)
	@lint-imports
	@buf lint
	@if git rev-parse -q --verify main >/dev/null 2>&1; then buf breaking --against '.git#branch=main'; fi
	@$(MAKE) --no-print-directory generate
	@git diff --exit-code --stat -- $(PYTHON_OUT) $(SDK_OUT) || { echo 'generated code is out of date: commit what make generate wrote'; exit 1; }
	@test -z "$$(git ls-files --others --exclude-standard -- $(PYTHON_OUT) $(SDK_OUT))" || { echo 'generated code is not committed'; exit 1; }
	@codespell
	@python tests/house/audit.py
	@echo 'check: all good'

.PHONY: audit
audit: install ## Look for known vulnerabilities in the locked dependencies; needs the network
	@python tests/house/audit.py --online

.PHONY: test
test: install ## Run every test, the ones against a real Kubernetes API server included
	@tests/kube/install.sh >/dev/null
	@tests/tools/install-grpcurl.sh >/dev/null
	@tests/tools/install-oidc.sh >/dev/null
	@pytest -q -n 3 --dist worksteal tests

.PHONY: test-fast
test-fast: install ## Run the tests that need no other program
	@pytest -q tests/unit tests/house

.PHONY: fuzz
fuzz: install ## Feed broken deploy files to the rules and broken batches to a tunnel. MINUTES=10
	@python tests/conformance/fuzz.py --minutes $(or $(MINUTES),1)
	@python tests/conformance/fuzz_tunnel.py --minutes $(or $(MINUTES),1)

.PHONY: model-check
model-check: install ## Explore every state of the engine's model. STATES=1000000 FAULTS=1 ONLY=scenario
	@python tests/model/check.py --states $(or $(STATES),1000000) --faults $(or $(FAULTS),1) --only "$(ONLY)"

.PHONY: crash-test
crash-test: install ## Kill a server after every event of a canary on a real API server
	@tests/kube/install.sh >/dev/null
	@CRASH_POINTS=all pytest -q tests/fault/test_crash_at_every_write.py tests/fault/test_kill_server.py

.PHONY: random-runs
random-runs: install ## Deliver random deploy files while random things happen. RUNS=10000
	@python tests/model/random_runs.py --runs $(or $(RUNS),10000)

.PHONY: bench
bench: install ## Measure, and write docs/benchmarks.md. ONLY=relay|engine|steps|previews CASE=get-16 QUICK=1
	@tests/kube/install.sh >/dev/null
	@for each in $(or $(ONLY),$(if $(CASE),relay,relay engine steps previews)); do \
	  PYTHONPATH=tests python -m bench.$$each $(if $(QUICK),--quick) $(if $(CASE),--case $(CASE)) || exit 1; \
	done

.PHONY: demo
demo: install ## Deploy an example three times and watch: server, agent and a simulated cluster. KEEP=1 CONTEXT=name
	@python -m borealis_cli.demo $(if $(KEEP),--keep) $(if $(CONTEXT),--context $(CONTEXT))

.PHONY: demo-stop
demo-stop: install ## Stop what make demo KEEP=1 left running
	@python -m borealis_cli.demo --stop

.PHONY: clean
clean: ## Remove what can be made again
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis bench-results dist
