.DEFAULT_GOAL := help
export CDK_VALIDATION ?= false
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION ?= 20

help: ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## run orders through the whole stack on this machine
	go run ./cmd/orderflow demo

check: lint test ## everything that CI checks, but for the synthesis by the CDK CLI

lint: ## format, vet and staticcheck
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

test: ## all tests, with the race detector where there are goroutines
	@command -v "$${JSII_NODE:-node}" >/dev/null || echo "there is no Node.js: tests that synthesize are skipped"
	go test $(GOTESTFLAGS) ./constructs/... ./infra/... ./event/... ./internal/... ./functions/... ./test/...
	go test $(GOTESTFLAGS) -race ./local/... ./cmd/... ./client/... ./webhook/... ./internal/bootstrap ./internal/egress ./internal/handler

build: ## the functions, as they are deployed
	go run ./cmd/build-functions

bench: ## the committed benchmarks
	go test -run '^$$' -bench . -benchmem ./local/... ./internal/... ./functions

update: ## rewrite snapshots and generated documents
	go test ./constructs/orderworkflow/asl ./internal/order ./test -update

.PHONY: help demo check lint test build bench update
