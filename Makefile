# SearchOp: `make help` lists what can be done. Every target installs what it needs (Debian packages, cmake from PyPI, tools
# from Go modules); Rust and Go have to be there. What is compiled is kept in $(SEARCHOP_CACHE), by default
# ~/.cache/searchop, outside the checkout. What is long stands in scripts/, kind/ and images/.

.DEFAULT_GOAL := help
.NOTPARALLEL:
STAGE := scripts/stage.sh
SUMMARY := @$(STAGE) --summary

##@ Start here

.PHONY: help demo test
help: ## Show this help.
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+( [a-z0-9-]+)?:.*## / { split($$1, names, " "); printf "  make %-16s %s\n", names[1], $$2; if (2 in names) printf "  make %-16s The same.\n", names[2] }' $(MAKEFILE_LIST)

# Where the stages write their times, for the table at the end.
demo test: export SEARCHOP_STAGES := $(or $(TMPDIR),/tmp)/searchop-stages-$(shell echo $$PPID)

demo: deploy ## From nothing to ranked answers on a real cluster: build, cluster, deploy, train, serve.
	@$(STAGE) demo scripts/demo.sh
	$(SUMMARY)

test: lint unit ## Every test: lint, unit and contract tests, and the stories on a real cluster.
	@scripts/with-cluster.sh $(MAKE) --no-print-directory e2e
	$(SUMMARY)

##@ On this machine, without a cluster

.PHONY: data features train evaluate api
data: build ## Generate a dataset. SEED, PRODUCTS, USERS and EVENTS size it.
	@$(STAGE) data scripts/laptop.sh data

features: build ## Compute the features of that dataset, to look at.
	@$(STAGE) features scripts/laptop.sh features

train: build ## Train a model on that dataset.
	@$(STAGE) train scripts/laptop.sh train

evaluate: build ## Evaluate that model beside its baselines.
	@$(STAGE) evaluate scripts/laptop.sh evaluate

api: build ## Serve that model on PORT (8080).
	@scripts/laptop.sh api

##@ The cluster

.PHONY: cluster kind-setup cluster-down kind-teardown kubeconfig kind-load-image deploy kind-deploy load
cluster kind-setup: ## Bring the cluster up: kind's node image where one can be pulled, else one that is built here.
	@$(STAGE) cluster kind/up.sh

cluster-down kind-teardown: ## Take the cluster down; nothing of it is left.
	@$(STAGE) cluster-down kind/down.sh

kubeconfig: ## Print the path of the cluster's kubeconfig.
	@kind/kubeconfig

kind-load-image: images cluster ## Load the images into the cluster's nodes.
	@$(STAGE) load-images images/load.sh

deploy kind-deploy: kind-load-image ## Deploy SearchOp and its object store into the cluster.
	@$(STAGE) deploy scripts/deploy.sh

load: build ## Send search requests to the demo. RATE (a second) and DURATION (seconds) say how many.
	@scripts/load.sh

##@ Building and testing

.PHONY: build images unit e2e lint fuzz crds docs
build: ## Compile the programs and the tests.
	@$(STAGE) build scripts/build.sh

images: build ## Make the images.
	@$(STAGE) images images/build.sh

unit: ## Run the tests that need no cluster.
	@$(STAGE) unit scripts/unit.sh

e2e: deploy ## Tell the stories on the cluster. STORIES="promotion real_data" tells some of them.
	@$(STAGE) e2e scripts/e2e.sh $(STORIES)

lint: ## Formatting, clippy, shellcheck, and every kustomization.
	@$(STAGE) lint scripts/lint.sh

fuzz: ## Fuzz what reads model texts and request bodies. TARGETS and SECONDS (600 for each) say what and how long.
	@$(STAGE) fuzz env TARGETS="$(or $(TARGETS),model rank_body)" SECONDS_EACH=$(or $(SECONDS),600) scripts/fuzz.sh

crds: build ## Write the custom resource definitions of the Rust types to config/crd/bases.
	@$(STAGE) crds scripts/crds.sh

.PHONY: bench bench-scorer bench-parser bench-http bench-training bench-prepare
bench: build ## Measure everything beside its peers and write docs/performance.md. ROUNDS and SHAPES ("31x300") shorten it.
	@$(STAGE) bench scripts/bench.sh all

bench-scorer: build ## Only the scorer, beside LightGBM, lleaves, tl2cgen, Treelite, onnxruntime and YDF.
	@$(STAGE) $@ scripts/bench.sh scorer

bench-parser: build ## Only the reading of requests, beside serde_json.
	@$(STAGE) $@ scripts/bench.sh parser

bench-http: build ## Only the server, beside axum, FastAPI, KServe and MLServer.
	@$(STAGE) $@ scripts/bench.sh http

bench-training: build ## Only training, beside Python's LightGBM.
	@$(STAGE) $@ scripts/bench.sh training

bench-prepare: ## Install and compile the peers of the scorer, without measuring.
	@$(STAGE) bench-prepare scripts/bench.sh prepare

docs: ## Build the documentation of the crates, without warnings.
	@$(STAGE) docs scripts/docs.sh
