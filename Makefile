# Plumbline. `make help` lists what there is.
GO      ?= go
export CGO_ENABLED ?= 0
VERSION ?= 0.1.0-dev
LDFLAGS  = -s -w -X main.version=$(VERSION)
TIMEOUT ?= 15m

.DEFAULT_GOAL := help
.PHONY: help build release demo test test-race bench benchmarks soak lint vuln gen check-gen fuzz size deps clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

build: ## build bin/plumb
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/plumb ./cmd/plumb

release: ## build dist/: static binaries, .deb, .rpm, bills of materials, checksums; VERSION=0.4.0
	$(GO) run ./cmd/release -version $(VERSION)

deps: build ## install the Debian packages that the laboratory and its tests need (root)
	bin/plumb lab install

demo: build ## tell the payroll story on real daemons (root), or on the modelled datacenter; KEEP=1 leaves it up
	bin/plumb lab demo

ROOT := $(filter 0,$(shell id -u))
test: $(if $(ROOT),deps) ## run all tests, with the real daemons (installed when missing) when root
	@$(GO) list ./... | grep -v '/testenv\(/\|$$\)' | xargs $(GO) test -p 2 -count=1 $(TESTFLAGS) -timeout $(TIMEOUT); first=$$?; \
	$(GO) test -p 1 -count=1 $(TESTFLAGS) -timeout $(TIMEOUT) ./testenv/... && exit $$first # one at a time: each boots guests

.PHONY: test-canary
test-canary: ## run all tests, and look for the secret that they keep in all that they print, start, write and send (root)
	$(GO) run ./testenv/canary/watch $(MAKE) test TESTFLAGS=-v

test-race: ## run all tests with the race detector, in the plumb that laboratories build, too; one package after the other
	CGO_ENABLED=1 GOFLAGS="$$GOFLAGS -race" $(GO) test -p 1 -timeout 60m ./...

bench: ## measure cost over size beside other tools, and write docs/performance.md; BENCH=quick: small sizes, no page
	$(GO) run ./testenv/bench all

benchmarks: ## run every Go benchmark
	$(GO) test -run '^$$' -bench . -benchmem -timeout 30m ./...

soak: ## run pushes and drift on 10,000 modelled objects for ten minutes (SOAK=1m) and judge growth
	$(GO) run ./testenv/bench soak

.PHONY: crash
crash: ## end controller, executors and workers at every boundary of every scene, also of what follows (100,000 runs and more); plumb, its executors and a whole machine on real daemons (root)
	CRASH=all $(GO) test ./testenv/crash -count=1 -v -timeout 120m
	CRASH=all $(GO) test ./testenv/hold -run 'Kill' -count=1 -v -timeout 120m
	CRASH=all $(GO) test ./testenv/power -count=1 -v -timeout 120m

.PHONY: drift
drift: ## tamper with every declared field on real daemons, and listen for ten minutes of silence (root)
	PLUMB_DRIFT=full $(GO) test ./testenv/drift -count=1 -v -timeout 30m

.PHONY: liar
liar: ## let libvirtd fall silent, or its connection die, at every call of an apply, a rollback and a removal (root)
	LIAR=all $(GO) test ./testenv/liar -run Libvirt -count=1 -v -timeout 60m

lint: ## go vet and staticcheck
	$(GO) vet ./...
	$(GO) tool -modfile=tools.mod staticcheck ./...

vuln: ## look for known vulnerabilities in what is linked; needs their database (the network, or GOVULNDB)
	$(GO) tool -modfile=tools.mod govulncheck ./...

gen: ## write generated files
	$(GO) generate ./...

check-gen: gen ## fail when generated files are not as committed
	git diff --exit-code

FUZZTIME ?= 30s
fuzz: ## run every fuzz target for FUZZTIME (30s)
	@set -e; for pkg in $$($(GO) list ./...); do for f in $$($(GO) test -list '^Fuzz' $$pkg 2>/dev/null | grep '^Fuzz' || true); do \
		echo "$$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzzminimizetime 1x -fuzztime $(FUZZTIME) $$pkg; done; done

size: build ## size of the binary and of the code
	@ls -l bin/plumb | awk '{printf "bin/plumb %.1f MB\n", $$5/1e6}'
	@git ls-files '*.go' | grep -v _test.go | xargs cat | wc -l | awk '{print $$1 " lines of Go"}'
	@git ls-files '*_test.go' | xargs cat | wc -l | awk '{print $$1 " lines of tests"}'

clean: ## remove what was built
	rm -rf bin dist
