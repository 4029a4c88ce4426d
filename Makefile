# Latchkey. `make` lists what there is to make.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Flags and a certificate bundle of the surroundings would change what is built and break the SDK's own HTTP client.
unexport AWS_CA_BUNDLE
export GOFLAGS :=
TESTFLAGS ?=
# Those that wait most begin first, beside the others.
PKGS ?= ./infra/e2e ./shared/product/gen ./...
FUZZTIME ?= 1m
CONTRACT ?= all

# What the race detector leaves out. These start no goroutine: what they are asked by several at a time is seen in the tests of those who ask.
SEQUENTIAL := infra/build infra/ci infra/contract infra/notices shared/authz shared/limiter shared/limiter/quota shared/origin shared/product/gen shared/text shared/usage
# And the end-to-end tests start binaries that aren't built for it: it would watch the tests alone.
NORACE := latchkey/infra/e2e latchkey/infra/e2e/gates $(SEQUENTIAL:%=latchkey/%)

TOOLS := .tools
NPM := infra/local/node_modules/.package-lock.json
BROWSER := infra/browser/node_modules/.package-lock.json
# The store's binary for this machine, read when a recipe runs: npm puts it there.
export DYNOXIDE = $(firstword $(wildcard $(CURDIR)/infra/local/node_modules/@dynoxide/*/dynoxide) $(DYNOXIDE_BINARY))

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(NPM) ## run the whole stack on this machine
	@mkdir -p .build
	@go build -o .build/latchkey ./infra/local
	@exec .build/latchkey

.PHONY: build
build: tools-python ## build what is deployed, by `sam build`
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam build

.PHONY: sam-local
sam-local: $(NPM) ## run the stack for `sam local`: on the ports that samconfig.toml names, on Linux also on Docker's bridge (BRIDGE= leaves it out)
	@mkdir -p .build
	@go build -o .build/latchkey ./infra/local
	@go build -o .build/samlocal ./infra/samlocal
	@bridge="$(BRIDGE)"; if [ "$(origin BRIDGE) $$(uname)" = "undefined Linux" ]; then \
	  bridge=$$(ip -4 -o address show docker0 | awk '{ sub("/.*", "", $$4); print $$4 }') || echo "there is no docker0 here: containers won't reach this run"; fi; \
	  LATCHKEY_BRIDGE_ADDRESS=$$bridge exec .build/samlocal serve

.PHONY: sam-events
sam-events: ## write the events of infra/events into .build/events, with keys and tokens of the `make sam-local` that runs
	@go run ./infra/samlocal events

.PHONY: sam-docker
sam-docker: tools-python ## send each event of infra/events by `sam local` to the `make sam-local` that runs, and compare the answers (needs Docker; minutes)
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam build --config-env $(SAM_ENV)
	go run ./infra/samlocal -config-env $(SAM_ENV) invoke
	go run ./infra/samlocal -config-env $(SAM_ENV) routes

# The processors to build for: this machine's come last, and their functions are called.
SAM_MACHINE := $(patsubst aarch64,arm64,$(shell uname -m))
SAM_ARCHITECTURES ?= $(filter-out $(SAM_MACHINE),arm64 x86_64) $(SAM_MACHINE)
SAM_ENV := local$(patsubst %,-%,$(filter arm64,$(SAM_MACHINE)))

.PHONY: sam-check
sam-check: $(NPM) tools-python tools-rie ## what `sam local` would run, without Docker: validate, build, and send each event of infra/events to its function
	@mkdir -p .build
	SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam validate --lint --region us-east-1
	for a in $(SAM_ARCHITECTURES); do \
	  environment=local; [ "$$a" = x86_64 ] || environment=local-$$a; \
	  SAM_CLI_TELEMETRY=0 $(TOOLS)/venv/bin/sam build --config-env $$environment --build-dir ".build/sam/$$a"; \
	done
	go build -o .build/latchkey ./infra/local
	go run ./infra/samlocal -config-env $(SAM_ENV) -template .build/sam/$(SAM_MACHINE)/template.yaml check

.PHONY: smoke
smoke: $(NPM) ## ask a stack for what only AWS can show, and try the life of a key: STACK=name by `aws`, STACK=local for the run that is up, none for a run of its own; SMOKE="-…" for more
	@mkdir -p .build
	@go build -o .build/latchkey ./infra/local
	@go build -o .build/smoke ./infra/smoke
	@.build/smoke -stack "$(STACK)" $(SMOKE)

.PHONY: sbom
sbom: tools-sbom ## what is linked into each function: CycloneDX in .build/sbom, licences and notices in .build/notices.txt
	go run ./infra/notices
	@rm -rf .build/sbom && mkdir -p .build/sbom
	go run ./infra/build -arch arm64 -o .build/sbom
	@for binary in .build/sbom/*; do \
	  name=$$(basename "$$binary"); \
	  $(TOOLS)/sbom/cyclonedx-gomod bin -json -licenses -std -noserial -notimestamp -version "$$(git rev-parse HEAD)" \
	    -output ".build/sbom/$$name.cdx.json" ".build/sbom/$$name"; \
	  rm ".build/sbom/$$name"; \
	done

.PHONY: catalogue
catalogue: ## write what follows from shared/product/catalogue.json (WIDEN="a b": these products are meant to cover more; CLOSE="a b": a merge is meant to close paths of these; END="a b": these groups of quotas are meant to go)
	go run ./shared/product/gen -root . -widen "$(WIDEN)" -close "$(CLOSE)" -end "$(END)"
	go test ./infra/contract -count=1 -update

.PHONY: suffixes
suffixes: ## write the table of public suffixes from the package that infra/suffixes/requirements.txt pins (needs the network: PyPI)
	@rm -rf .build/suffixes && mkdir -p .build/suffixes
	python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r infra/suffixes/requirements.txt -d .build/suffixes
	go run ./infra/suffixes .build/suffixes/*.whl shared/origin/suffix/suffixes.txt

# Tests make much garbage and keep little: they are a tenth faster where it is collected less often.
.PHONY: test
test: $(NPM) ## all tests but the long forms
	GOGC=400 go test -shuffle=on -timeout=10m $(TESTFLAGS) $(PKGS)

.PHONY: chromium
chromium: ## install Debian's Chromium if there is none (root or sudo)
	@infra/tools/chromium.sh

.PHONY: test-browser
test-browser: $(NPM) $(BROWSER) ## the console in a real Chromium, against a run of its own; LATCHKEY_DEEP=1 for the long form
	node infra/browser/main.mjs $(BROWSERTESTS)

.PHONY: screenshots
screenshots: $(NPM) $(BROWSER) ## pictures of the console's pages, into docs/screenshots
	node infra/browser/main.mjs shots

.PHONY: strings
strings: ## every string of the console in all languages with the screens that show it, into .build/strings.md
	mkdir -p .build
	go test -count=1 ./functions/console -args -strings "$(CURDIR)/.build/strings.md"
	@sed -n '3,9p' .build/strings.md

.PHONY: test-race
test-race: $(NPM) ## the same under the race detector (needs a C compiler), but the end-to-end tests and the longest walks
	packages=$$(go list $(PKGS) | grep -vxF $(NORACE:%=-e %)) || { echo "nothing of $(PKGS) runs under the race detector"; exit 1; }; \
	  CGO_ENABLED=1 go test -race -vet=off -shuffle=on -timeout=15m $(TESTFLAGS) $$packages

.PHONY: test-deep
test-deep: $(NPM) tools-gitleaks ## the long forms: big numbers, real time, the handlers on the real engine, every view of the console's pages, every change of its templates, a minute of fuzzing per target
	LATCHKEY_DEEP=1 go test -shuffle=on -timeout=120m $(TESTFLAGS) $(PKGS)
	LATCHKEY_STORE=engine go test -shuffle=on -timeout=20m $(TESTFLAGS) ./functions/...
	@$(MAKE) --no-print-directory test-contract
	@LATCHKEY_DEEP=1 $(MAKE) --no-print-directory test-browser
	@$(MAKE) --no-print-directory fuzz

.PHONY: test-bugs
test-bugs: $(NPM) ## plant each known bug and see its test fail; BUGS="-only gate/" or BUGS="-changed HEAD~1" for some
	go run ./infra/bugs $(BUGS)

.PHONY: test-mutants
test-mutants: $(NPM) tools-mutants ## change the code of the core in one place at a time; MUTANTS=shared/authz for one package
	infra/tools/mutants.sh $(MUTANTS)

.PHONY: test-contract
test-contract: $(NPM) tools-schemathesis ## Schemathesis against a run of its own; CONTRACT=coverage for the form of CI
	$(TOOLS)/schemathesis/bin/python infra/schemathesis/run.py $(CONTRACT)

.PHONY: reliability
reliability: $(NPM) ## run the tests that hold the promises, and write docs/reliability.md from what they measured
	go run ./infra/reliability $(RELIABILITY)

.PHONY: fuzz
fuzz: ## fuzz each target for FUZZTIME (1m)
	@grep -rHoE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' . | sort | while IFS=: read -r file target; do \
	  target=$${target#func }; echo "$$(dirname "$$file") $$target"; \
	  go test "$$(dirname "$$file")" -run='^$$' -fuzz="^$$target$$" -fuzztime=$(FUZZTIME) </dev/null; \
	done

.PHONY: lint
lint: tools-python tools-go ## format, imports, vet, templates; installs its own tools
	@files=$$(git ls-files '*.go' ':!*.gen.go'); unformatted=$$($(TOOLS)/bin/gofumpt -l $$files); \
	  if [ -n "$$unformatted" ]; then echo "gofumpt would change:"; echo "$$unformatted"; exit 1; fi
	$(TOOLS)/bin/golangci-lint run --allow-parallel-runners ./...
	$(TOOLS)/venv/bin/cfn-lint -- template.yaml infra/*.yaml
	@mkdir -p .build
	$(TOOLS)/venv/bin/python infra/lint/render.py template.yaml > .build/rendered.json
	$(TOOLS)/venv/bin/cfn-lint --non-zero-exit-code error -- .build/rendered.json

# Checkov exits with 0 whatever it finds; what may stay is in infra/lint/checkov.yaml.
.PHONY: scan
scan: tools-python tools-checkov ## look for weak settings in the templates, by Checkov; each exception is explained in infra/lint/checkov.yaml
	@rm -rf .build/scan && mkdir -p .build/scan
	$(TOOLS)/venv/bin/python infra/lint/render.py template.yaml > .build/scan/template.json
	cp infra/*.yaml .build/scan
	$(TOOLS)/checkov/bin/checkov --directory .build/scan --framework cloudformation --skip-download --soft-fail --compact --output json > .build/checkov.json 2> .build/checkov.log \
	  || { cat .build/checkov.log; exit 1; }
	go run ./infra/lint/scan infra/lint/checkov.yaml .build/checkov.json .build/scan/*

.PHONY: bench
bench: ## the authorizer against an empty handler, interleaved
	go run ./infra/bench

# The medians of three runs. A figure in which two empty handlers differ has no verdict, and fails nothing.
.PHONY: bench-gate
bench-gate: ## fail if the authorizer is slower than its target
	go run ./infra/bench -gate -runs 3 -tries 3 -node=false -more=false -calls 10000 -cold 60

.PHONY: vulncheck
vulncheck: ## look for known vulnerabilities in what is called (needs the network: the Go vulnerability database)
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...

.PHONY: job-rotation
job-rotation: $(NPM) ## run the rotation job once, with progress, on the data of `make run`
	@mkdir -p .build
	@go build -o .build/latchkey ./infra/local
	@.build/latchkey -job rotation

.PHONY: clean
clean: ## remove what was built and installed; the data of `make run` stays
	rm -rf .build $(TOOLS) infra/local/node_modules infra/browser/node_modules .aws-sam

$(NPM): infra/local/package.json infra/local/package-lock.json
	npm ci --prefix infra/local --no-audit --no-fund
	@touch $@

$(BROWSER): infra/browser/package.json infra/browser/package-lock.json
	npm ci --prefix infra/browser --no-audit --no-fund
	@touch $@

# Each looks whether what it would install is there already: on this machine, for these inputs.
.PHONY: tools-go tools-python tools-mutants tools-sbom tools-gitleaks tools-schemathesis tools-rie tools-checkov
tools-go tools-python tools-mutants tools-sbom tools-gitleaks tools-schemathesis tools-rie tools-checkov: tools-%:
	@infra/tools/install.sh $*
