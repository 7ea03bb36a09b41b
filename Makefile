# Throughline. `make` prints what there is.
.DEFAULT_GOAL := help
.PHONY: help lab run test check audit bench copy docs fuzz vuln lint generate clean up down logs verify tour

GO ?= go
FUZZTIME ?= 1m
PROFILE ?= full
COMPOSE ?= docker compose -f deploy/docker-compose.yml

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

lab: bin/lab ## start everything, run every scenario, and stay up until Ctrl-C
	@bin/lab up --run

run: bin/lab ## run every scenario against an embedded platform, and exit
	@bin/lab run

up: ## the stack in Docker: services, Collector, Jaeger, Tempo, Grafana; PROFILE=core without Loki and Prometheus
	@COMPOSE_PROFILES=$(filter-out core,$(PROFILE)) $(COMPOSE) up -d --build
	@$(COMPOSE) up -d --no-recreate --no-deps --wait --wait-timeout 120 gateway order pricing payment lab redis
	@COMPOSE_PROFILES=$(filter-out core,$(PROFILE)) $(COMPOSE) ps

verify: ## every scenario against the stack, and its traces read back from Jaeger and Tempo
	@$(COMPOSE) exec -T lab /lab run --against http://127.0.0.1:4400 --verify store,jaeger,tempo

tour: ## a few scenarios against the stack, and where to look at what they did
	@$(COMPOSE) exec -T lab /lab tour

logs: ## the stack's logs, from now on
	@$(COMPOSE) logs --follow --tail 20

down: ## stop the stack and remove all that it has stored
	@$(COMPOSE) down --volumes --remove-orphans

test: ## all tests of both modules with the race detector; a real Redis if REDIS_ADDR is set
	$(GO) test -race -timeout 20m ./... ./lab/...

check: bin/staticcheck ## gofmt, vet, staticcheck, architecture, names, pages, manifests
	@files=$$(gofmt -l .); test -z "$$files" || { echo "gofmt: run gofmt -w on"; echo "$$files"; exit 1; }
	$(GO) vet ./... ./lab/...
	bin/staticcheck ./... ./lab/...
	$(GO) test -count=1 -run 'Dependencies|Copyable|Requirements' .
	$(GO) test -count=1 -run 'NamesOfAFullRun|PagesAreTrue' ./lab/internal/cli
	cd tools && GOWORK=off $(GO) test ./...

audit: bin/lab ## canaries at every endpoint, and a search for them in all that comes of it
	@bin/lab audit

bench: bin/lab ## what patterns cost (ns/op, allocs/op), what a Collector carries, what the lab takes
	$(GO) test -run '^$$' -bench . -benchmem ./patterns/... ./internal/tracetree
	$(GO) test -run '^$$' -bench Spans ./lab/internal/collector
	cd tools && GOWORK=off $(GO) test -run '^$$' -bench FirstTier ./tiers 2>/dev/null
	@bin/lab run --json --stats 2>&1 >/dev/null | tail -n 1

copy: ## every pattern, copied alone into an empty module, builds and passes its tests
	@.ci/copy

docs: bin/lab ## the trees and numbers of docs/, from a run of their scenarios
	@bin/lab docs

fuzz: ## every fuzz target, FUZZTIME (1m) each
	@for dir in $$($(GO) list -f '{{.Dir}}' ./... ./lab/...); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$dir/*_test.go 2>/dev/null | sed 's/func //'); do \
	    echo "$$f in $$dir"; \
	    (cd $$dir && $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) .) || exit 1; \
	  done; \
	done

vuln: bin/govulncheck ## known vulnerabilities in what is called; asks https://vuln.go.dev, or VULNDB
	@.ci/vuln

lint: bin/golangci-lint ## golangci-lint, beside make check; its build takes minutes
	bin/golangci-lint run ./... ./lab/...

generate: ## the gRPC code of payment; needs protoc, protoc-gen-go and protoc-gen-go-grpc
	cd services/payment && protoc \
	  --go_out=paymentv1 --go_opt=paths=source_relative \
	  --go-grpc_out=paymentv1 --go-grpc_opt=paths=source_relative payment.proto

clean: ## remove what was built
	rm -rf bin

.PHONY: bin/lab bin/staticcheck bin/govulncheck bin/golangci-lint # go build knows better than make what has changed
bin/lab:
	@$(GO) build -o bin/lab ./lab

bin/staticcheck:
	@cd tools && GOWORK=off $(GO) build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck

bin/govulncheck:
	@cd tools && GOWORK=off $(GO) build -o ../bin/govulncheck golang.org/x/vuln/cmd/govulncheck

bin/golangci-lint:
	@cd tools/lint && GOWORK=off $(GO) build -o ../../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
