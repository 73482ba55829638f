.DEFAULT_GOAL := help
export CDK_VALIDATION ?= false
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION ?= 20

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run orders through the whole stack on this machine
	go run ./cmd/orderflow demo

# Packages with goroutines or locks of their own, which a test holds this list to; their tests run under the race detector.
RACE := ./client/... ./cmd/... ./webhook/... ./local ./local/console ./local/localtest ./local/internal/appsync \
	./local/internal/authority ./local/internal/lambda ./local/internal/runtimeapi ./local/internal/sim \
	./internal/bootstrap ./internal/egress ./internal/handler ./internal/operate
# Modules of their own.
EXAMPLES := examples/documents

check: lint test ## everything that CI checks, but for the synthesis by the CDK CLI

lint: ## format, vet and staticcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	@staticcheck=$$(go tool -n staticcheck) && for module in $(EXAMPLES); do \
		echo "vet and staticcheck of $$module"; (cd $$module && go vet ./... && "$$staticcheck" ./...) || exit 1; done

test: ## all tests, with the race detector where there are goroutines
	@command -v "$${JSII_NODE:-node}" >/dev/null || echo "there is no Node.js: tests that synthesize are skipped"
	go test $(GOTESTFLAGS) -race $(RACE)
	go test $(GOTESTFLAGS) $$(packages=$$(go list ./...) && race=$$(go list $(RACE)) && echo "$$packages" | grep -vxF "$$race")
	for module in $(EXAMPLES); do (cd $$module && go test $(GOTESTFLAGS) ./...) || exit 1; done

build: ## the functions, as they are deployed
	go run ./cmd/build-functions

emulator: ## bootstrap, deploy, update, roll back and destroy the app in an emulator on this machine
	test -d test/deploy/.python || python3 -m pip install --no-deps --target test/deploy/.python -r test/deploy/requirements.txt
	test -d node_modules || npm ci --no-audit --no-fund
	go test ./test/deploy -count=1 -v

bench: ## the committed benchmarks
	go test -run '^$$' -bench . -benchmem ./local/... ./internal/... ./functions

update: ## rewrite snapshots and generated documents
	go test ./constructs/orderworkflow/asl ./internal/order ./test -update

.PHONY: help demo check lint test build emulator bench update
