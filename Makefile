# Every target does its own set-up in .venv and needs nothing but a Python >= 3.11 and a package index.

VENV := .venv
BIN := $(VENV)/bin
FLINK := .flink

# The first interpreter that runs, is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3 python; do \
	if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
	>/dev/null 2>&1; then echo $$python; break; fi; done)

# The oldest dependencies have wheels for the oldest Python only, and tensorflow-io for none after 3.12.
OLDEST_PYTHON ?= python3.11

# pip shows its progress on a terminal, and is quiet elsewhere.
PIP_INSTALL := -m pip install $$(test -t 1 || echo --quiet) --no-input --disable-pip-version-check --only-binary :all:
PYTEST_ARGS ?=
MINUTES ?= 45
INPUTS ?= 20000
ARCHITECTURE ?= 90
SHARED ?= ../shared/data
ARGS ?= --input=$(CURDIR)/beam_audio/data/demo --output=$(CURDIR)/$(FLINK)/demo-output

.DEFAULT_GOAL := help
.PHONY: help demo test gpu-test gpu-pack integration readers minimum tfio lint types lock soak fuzz hostile prism site gpuimage flink-up flink-run flink-down clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*##/  make \1 -/p' $(MAKEFILE_LIST)

demo: $(VENV)/.installed  ## transcribe the packaged clips; prints a table and where the Parquet is
	$(BIN)/beam-audio demo

test: $(VENV)/.installed  ## run all tests; PYTEST_ARGS="-k audio" narrows them
	$(BIN)/python -m pytest -m "not integration and not tfio and not gpu" $(PYTEST_ARGS)

integration: $(VENV)/.installed $(VENV)-readers/.locked $(BIN)/prism $(FLINK)/.fetched  ## run the tests that need other runners, servers and images (needs Go, Java, Maven, Python 3.13)
	$(BIN)/python -m pytest -m integration $(PYTEST_ARGS)

readers: $(VENV)-readers/.locked  ## set up what people read tables and exports with, apart from the rest: datasets, DuckDB, kaldiio, lhotse, pandas, polars, pyarrow, Spark, tgt, webdataset, webvtt
	@$(VENV)-readers/bin/python --version

site: $(VENV)-site/.locked .site/static/mermaid.min.js  ## make a site of the docs, .site/html/index.html; a warning is an error (needs npm)
	@rm -rf .site/html
	$(VENV)-site/bin/python -m sphinx --quiet --fresh-env --fail-on-warning -c docs -d .site/doctrees . .site/html

# Diagrams are drawn by the reader's browser, also without a network.
.site/static/mermaid.min.js: requirements/mermaid.sha256
	@mkdir -p $(@D)
	cd .site && npm pack --silent $$(sed -n 's/.*mermaid-\(.*\)\.tgz/mermaid@\1/p' ../$<) && sha256sum --check --quiet ../$<
	tar -xzf .site/mermaid-*.tgz -C $(@D) --strip-components=2 --touch package/dist/mermaid.min.js
	rm .site/mermaid-*.tgz

soak: $(VENV)/.installed  ## run a stream for 45 minutes and look at its memory, files and lag (needs the Pub/Sub emulator); MINUTES=3 makes it short
	$(BIN)/python benchmarks/soak.py --minutes=$(MINUTES)

fuzz: $(VENV)/.installed  ## try damaged inputs of all kinds for 45 minutes, other ones each time; failing ones stay in .fuzz; MINUTES=5
	$(BIN)/python tests/support/fuzz_rounds.py --minutes=$(MINUTES)

hostile: $(VENV)/.installed  ## give the command 20,000 hostile inputs and print what became of them (needs the Pub/Sub emulator); INPUTS=1600
	$(BIN)/python benchmarks/hostile.py --inputs=$(INPUTS)

minimum: $(VENV)-minimum/.installed  ## run the tests, slow ones aside, on the oldest dependencies allowed
	$(VENV)-minimum/bin/python -m pytest -m "not slow and not integration and not tfio and not gpu"

tfio: $(VENV)-tfio/.installed  ## run the tests that need tensorflow-io, in an environment of its own (Python 3.11 or 3.12)
	$(VENV)-tfio/bin/python -m pytest -m tfio $(PYTEST_ARGS) $$(grep -rl --include='test_*.py' mark.tfio tests)

gpu-test: $(VENV)-gpu/.installed  ## run the tests that need an NVIDIA GPU, in an environment with ONNX Runtime for it (5 GB)
	$(VENV)-gpu/bin/python -m pytest -m gpu $(PYTEST_ARGS) tests/gpu

gpu-pack: $(VENV)/.installed  ## pack what a machine with a GPU and without a network needs, into parts of 60 MB; ARCHITECTURE=89 for L4, 75 for T4
	$(BIN)/python benchmarks/gpu_pack.py --data=$(SHARED) --architecture=$(ARCHITECTURE)

lint: $(VENV)/.installed  ## ruff, rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed  ## mypy, strict
	$(BIN)/mypy

UV := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --upgrade --generate-hashes
UV_COMPILE := $(UV) pyproject.toml --extra cpu --extra media --extra whisper-tiny --extra whisper-base --extra report --extra dev \
	--universal --python-version 3.11
# The images: one Python, one platform (Debian 12's), everything that talks to Google Cloud.
UV_WORKER := $(UV) pyproject.toml requirements/build.in --extra gcp --extra media \
	--extra whisper-tiny --extra whisper-base \
	--python-version 3.13 --python-platform x86_64-manylinux_2_36

prism: $(BIN)/prism  ## build Prism, Beam's other local runner, at the version of Beam (needs Go)

$(BIN)/prism: $(VENV)/.locked
	GOBIN=$(CURDIR)/$(BIN) go install \
		github.com/apache/beam/sdks/v2/go/cmd/prism@v$$($(BIN)/python -c 'import apache_beam; print(apache_beam.__version__)')
	@touch $@

flink-up: $(VENV)/.installed $(FLINK)/.fetched  ## start Flink here: a JobManager and two TaskManagers (needs Java, Maven)
	$(BIN)/python templates/flink/cluster.py up

flink-run:  ## beam-audio run on that cluster; ARGS="--input=… --output=/absolute/…" names input and output
	$(BIN)/beam-audio run --runner=FlinkRunner --flink_master=127.0.0.1:8081 \
		--flink_job_server_jar=$(FLINK)/job-server.jar --parallelism=2 \
		--environment_type=PROCESS --environment_config='{"command": "$(CURDIR)/templates/flink/worker.py"}' $(ARGS)

flink-down:  ## stop it
	$(BIN)/python templates/flink/cluster.py down

# Flink from its package, the job server from Maven Central's parts; both check what they download.
$(FLINK)/.fetched: templates/flink/requirements.txt templates/flink/pom.xml | $(VENV)/.locked
	@command -v java mvn >/dev/null || { echo "Flink needs Java 17 and Maven" >&2; exit 1; }
	@echo "Fetching Flink and Beam's job server for it: downloads about 400 MB, once"
	@mkdir -p $(FLINK)
	$(BIN)/python -m pip download --quiet --no-input --disable-pip-version-check --no-deps --no-build-isolation \
		--require-hashes --requirement $< --dest $(FLINK)
	tar -xzf $(FLINK)/apache-flink-libraries-*.tar.gz -C $(FLINK) --strip-components=2 --wildcards '*/deps/lib' '*/deps/bin'
	rm $(FLINK)/apache-flink-libraries-*.tar.gz
	mvn --batch-mode --quiet --strict-checksums --file templates/flink/pom.xml -Dflink.home=$(CURDIR)/$(FLINK) package
	rm -rf $(FLINK)/build
	@touch $@

lock: $(VENV)/.locked  ## write requirements/ anew from pyproject.toml: the newest and the oldest allowed
	$(UV_COMPILE) --output-file requirements/dev.txt
	$(UV_COMPILE) --resolution lowest-direct --output-file requirements/minimum.txt
	echo uv | $(UV) - --universal --python-version 3.11 --output-file requirements/uv.txt
	$(UV) requirements/readers.in --universal --python-version 3.11 --output-file requirements/readers.txt
	$(UV) requirements/site.in --universal --python-version 3.11 --output-file requirements/site.txt
	$(UV) pyproject.toml requirements/tfio.in --extra tfio --extra cpu --extra media --extra whisper-tiny \
		--universal --python-version 3.11 --output-file requirements/tfio.txt
	$(UV_WORKER) --extra cpu --output-file requirements/worker-cpu.txt
	$(UV_WORKER) --extra gpu --output-file requirements/worker-gpu.txt

gpuimage: $(VENV)/.installed  ## replay the steps of the GPU image and run the demo in it (4 GB, Python 3.13)
	$(BIN)/python tests/support/replay.py templates/worker-gpu.Dockerfile $(VENV)-gpuimage

clean:  ## remove everything the targets made
	rm -rf $(VENV) $(VENV)-minimum $(VENV)-readers $(VENV)-site $(VENV)-tfio $(VENV)-gpu $(VENV)-gpuimage $(FLINK) .site build dist demo-output *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A changed lock starts over, so that nothing it no longer names stays behind.
$(VENV)/.locked: requirements/dev.txt
	$(call new_environment,$(VENV),$<,$(PYTHON))

$(VENV)-minimum/.locked: requirements/minimum.txt
	$(call new_environment,$(VENV)-minimum,$<,$(OLDEST_PYTHON))

# Spark is published as source only: setuptools is installed first, as the lock has it, and builds it.
$(VENV)-readers/.locked: requirements/readers.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the venv module was found" >&2; exit 1; }
	@echo "Setting up $(VENV)-readers with $(PYTHON): downloads about 4 GB, once"
	$(call empty_environment,$(VENV)-readers,$(PYTHON))
	sed -n '/^setuptools==/,/[^\\]$$/p' $< >$(VENV)-readers/build.txt
	$(call in_environment,$(VENV)-readers) --requirement $(VENV)-readers/build.txt
	$(call in_environment,$(VENV)-readers) --no-binary pyspark --no-build-isolation --requirement $<
	@touch $@

$(VENV)-site/.locked: requirements/site.txt
	@test -n "$(PYTHON)" || { echo "No Python >= 3.11 with the venv module was found" >&2; exit 1; }
	$(call empty_environment,$(VENV)-site,$(PYTHON))
	$(call in_environment,$(VENV)-site) --requirement $<
	@touch $@

# The environment of the tests, with the ONNX Runtime of the GPU image and its CUDA in place of the CPU's.
$(VENV)-gpu/.locked: requirements/dev.txt requirements/worker-gpu.txt
	$(call new_environment,$(VENV)-gpu,$<,$(PYTHON))
	@rm $@
	sed -n '/^\(nvidia-[a-z0-9-]*\|onnxruntime-gpu\)==/,/[^\]$$/p' requirements/worker-gpu.txt >$(VENV)-gpu/gpu.txt
	$(VENV)-gpu/bin/uv pip uninstall --quiet --python $(VENV)-gpu/bin/python onnxruntime
	$(call in_environment,$(VENV)-gpu) --no-deps --requirement $(VENV)-gpu/gpu.txt
	@touch $@

$(VENV)-tfio/.locked: requirements/tfio.txt
	@echo "Setting up $(VENV)-tfio with $(OLDEST_PYTHON): downloads about 620 MB and takes 2.2 GB of disk, once"
	$(call empty_environment,$(VENV)-tfio,$(OLDEST_PYTHON))
	$(call in_environment,$(VENV)-tfio) --requirement $<
	@touch $@

define new_environment
	@test -n "$(3)" || { echo "No Python >= 3.11 with the venv module was found." \
		"Install one, or name it: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "Setting up $(1) with $(3), once: downloads about 530 MB and takes 1.7 GB of disk"
	$(call empty_environment,$(1),$(3))
	$(call in_environment,$(1)) --requirement $(2)
	@touch $(1)/.locked
endef

define empty_environment
	$(2) -m venv --clear $(1)
	$(1)/bin/python $(PIP_INSTALL) --require-hashes --requirement requirements/uv.txt
endef

# uv installs a lock in a tenth of the computing that pip needs.
in_environment = $(1)/bin/uv pip install $$(test -t 1 || echo --quiet) --compile-bytecode --python $(1)/bin/python \
	--only-binary :all: --require-hashes

# The locked setuptools builds, hence no build isolation: nothing comes from outside the lock.
%/.installed: %/.locked setup.py pyproject.toml
	$*/bin/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@
