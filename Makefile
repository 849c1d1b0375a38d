# Everything here works on a fresh machine that has Go and make. What a target cannot
# have it says aloud; with CI=true it fails instead.

GO         ?= go
BIN        := bin/tandem
FUZZTIME   ?= 30s
BENCH      ?= .
SEED       ?= 1
STRESS     ?=
DURATION   ?= 1h
SCREENSHOTS ?= bin/screenshots
LINTER     := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help
.PHONY: help demo build test short check fmt vet imports lint race docs fuzz bench sim sim-many soak soak-year mutants postgres packages screenshots

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## simulated systems kept in step, explained as it happens, then the console; no network
	./$(BIN) demo

build: ## the program, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/tandem

test: packages ## all tests
	$(GO) test ./...

short: ## the quick tests
	$(GO) test -short ./...

check: fmt vet imports lint race docs ## what must hold before a change lands
	@echo "check: all is well"

fmt:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then \
		echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet ./...

imports:
	$(GO) test -count=1 -run '^(TestImports|TestPartsAreFloors)$$' .

# The linter is built from source at the pinned version; Go keeps the build.
lint:
	@if $(GO) run $(LINTER) version >/dev/null 2>&1; then \
		echo "$(GO) run $(LINTER) run"; $(GO) run $(LINTER) run ./...; \
	elif [ "$(CI)" = true ]; then \
		echo "lint: $(LINTER) cannot be had" >&2; exit 1; \
	else \
		echo "lint: SKIPPED, $(LINTER) cannot be had (no network?)" >&2; \
	fi

# The detector stays out of SQLite, which is C translated to Go: watching that takes most
# of the time and finds nothing of ours.
race: packages
	$(GO) test -race -gcflags='modernc.org/...=-race=false' -shuffle=on -timeout 20m ./...

docs: ## that the generated pages say what the code says
	@$(GO) test -count=1 -run '^TestGeneratedDocs' ./cmd/tandem || \
		{ echo "docs are stale; run: go test ./cmd/tandem -run TestGeneratedDocs -update"; exit 1; }

fuzz: ## every fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "fuzz $$pkg $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

bench: ## Tandem against a plain program, then the benchmarks; docs/performance.md tells results
	$(GO) run ./bench
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

postgres: ## the store's tests on a PostgreSQL server of their own
	@.ci/need-packages postgresql
	$(GO) test -count=1 -run Postgres -v ./internal/store/...

packages:
	@.ci/need-packages postgresql systemd chromium npm

# All read the environment; see internal/sim.
sim: ## one simulated life again, told in full: SEED=n; a harder one: STRESS=hide,kill,backup,restore,merge or all
	TANDEM_SIM_SEED=$(SEED) TANDEM_SIM_STRESS=$(STRESS) $(GO) test -count=1 -v -run '^TestLives$$' ./internal/sim ./cmd/tandem

sim-many: ## the same with several workers
	TANDEM_SIM_SEED=$(SEED) TANDEM_SIM_STRESS=$(STRESS) $(GO) test -count=1 -v -run '^TestLivesWithSeveralWorkers$$' ./internal/sim

screenshots: ## pictures of every page of the console, in both themes and widths, in SCREENSHOTS (bin/screenshots)
	@.ci/need-packages chromium npm
	TANDEM_SCREENSHOTS="$(abspath $(SCREENSHOTS))" $(GO) test -count=1 -run '^TestInABrowser$$' ./cmd/tandem

mutants: ## every promise broken in turn: does a test notice? (minutes)
	TANDEM_MUTANTS=1 $(GO) test -count=1 -v -timeout 0 -run '^TestMutantsAreNoticed$$' .

soak-year: ## a year of work of one process, in virtual time: bounded store, memory and goroutines
	TANDEM_SOAK_YEAR=1 $(GO) test -count=1 -v -timeout 0 -run '^TestAYearOfWorkStaysBounded$$' ./internal/cli

soak: ## simulated lives, merges of drawn values, kills and lost replies, side by side for DURATION (1h)
	TANDEM_SOAK=$(DURATION) TANDEM_SIM_STRESS=$(STRESS) $(GO) test -count=1 -v -p 3 -parallel 16 -timeout 0 -run '^TestLives|^TestProperty|^TestInvariant11KilledAtRandomMoments$$' \
		./internal/sim ./cmd/tandem ./internal/merge
