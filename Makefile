# make demo [CSV=path] [OUT=path]   the whole system on this machine, from telemetry to a report
# make test                         everything that proves the project
# make docs                         the tables and pictures of docs/ that repeat what the code says
# make test-fast                    the tests of pure modules, in less than a minute: no pipeline, server, browser or picture
# make emulators                    the servers of other clouds' protocols that `make test` uses where they can be installed
# make bench [CSV=path] [ROUNDS=n]  what is fast and what is not, beside other tools; benchmarks/README.md
# make bench-scale [CSV=path]       ten times as much, ten million rows from a file and in a stream, with their memory
# make score [NAB_DATA=folder] [CSV=path] [SEEDS="1 2"]  what the job detects on labelled data; benchmarks/README.md
# make torture [MINUTES=m] [SEED=s] [KINDS=list]  kill the stream and break its network at random, and compare its results

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
BIN := $(VENV)/bin
EMULATORS := $(VENV)/emulators
PEERS := $(VENV)/peers
AZURITE := 3.35.0

.PHONY: demo docs test test-fast check emulators peers install-peers bench bench-scale score torture clean

demo: $(VENV)/.runtime
	@$(BIN)/python -m demo --output "$(OUT)" $(if $(CSV),--csv "$(CSV)")

# The tests start hundreds of programs: each would compile our modules again where the environment forbids to keep them.
test: check emulators
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadgroup

test-fast: $(VENV)/.development
	$(BIN)/python -m pytest --fast

check: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(VENV)/.development
	$(BIN)/python -m tests.docs

BENCH = @PEERS_PYTHON="$(abspath $(PEERS))/bin/python" $(BIN)/python -m benchmarks --results benchmarks/results \
	$(if $(CSV),--csv "$(CSV)") $(if $(ROUNDS),--rounds "$(ROUNDS)")

bench: $(VENV)/.development peers
	@mkdir -p benchmarks/results
	$(BENCH)

bench-scale: $(VENV)/.development
	@mkdir -p benchmarks/results
	$(BENCH) --only scale,large,long $(if $(ROUNDS),,--rounds 1)

score: $(VENV)/.development
	@$(if $(NAB_DATA),NAB_DATA="$(NAB_DATA)") $(if $(CSV),CSV="$(CSV)") $(BIN)/python -m benchmarks.score \
	$(if $(SEEDS),--seeds $(SEEDS))

torture: $(VENV)/.development
	@mkdir -p benchmarks/results
	@$(BIN)/python -m benchmarks.torture --results benchmarks/results --minutes "$(or $(MINUTES),30)" \
	$(if $(SEED),--seed "$(SEED)") $(if $(KINDS),--only "$(KINDS)")

# One that cannot be installed stops nothing: the table says that it is not installed, and it is tried again the next time.
peers: $(VENV)/.created
	@test $(PEERS)/.installed -nt requirements-peers.txt || $(MAKE) --no-print-directory install-peers

install-peers:
	@echo "installing the tools that the benchmarks compare with, once"; $(BIN)/python -m venv $(PEERS); failed=; \
	for package in $$(grep -v '^#' requirements-peers.txt); do \
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements-peers.txt $$package \
	>>$(PEERS)/log 2>&1 || { failed=1; echo "could not install $$package, see $(PEERS)/log: it will be missing"; }; \
	done; test -n "$$failed" || touch $(PEERS)/.installed

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s; set PYTHON=..." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The project itself is installed as a link to this folder, which gives the command $(BIN)/telemetry.
install-project = @$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .

$(VENV)/.runtime: $(VENV)/.created requirements.txt setup.py
	@echo "installing the packages of requirements.txt, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(install-project)
	@touch $@

$(VENV)/.development: $(VENV)/.created setup.py requirements.txt requirements-aws.txt requirements-azure.txt requirements-dev.txt
	@echo "installing the packages of requirements-dev.txt, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(install-project)
	@touch $@ $(VENV)/.runtime

emulators: $(EMULATORS)/.storage $(EMULATORS)/.bigquery $(EMULATORS)/.azurite-$(AZURITE)

# Each in a folder of its own, as their packages contradict ours. One that cannot be installed stops nothing: it is tried
# again the next time, and until then the tests that need it are skipped by name.
install = @echo "installing the emulator of $(2), once"; rm -rf $(EMULATORS)/$(1); mkdir -p $(EMULATORS)/$(1); \
	if ( $(3) ) >$(EMULATORS)/$(1).log 2>&1; then touch $@; else rm -rf $(EMULATORS)/$(1); \
	echo "could not install it, see $(EMULATORS)/$(1).log: its tests will be skipped"; fi
pip = $(BIN)/python -m venv $(EMULATORS)/$(1) && \
	$(EMULATORS)/$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
# The extension that BigQuery's emulator needs would be downloaded into the home directory, were it not in another one.
EXTENSION := import duckdb, duckdb_extension_spatial as e, pathlib; \
	duckdb.install_extension(str(next(pathlib.Path(e.__path__[0]).rglob("spatial.duckdb_extension"))))
HOME_OF_BIGQUERY = $(abspath $(EMULATORS))/bigquery/home

$(EMULATORS)/.storage: $(VENV)/.created requirements-storage-emulators.txt
	$(call install,storage,gs:// and s3://,$(call pip,storage,requirements-storage-emulators.txt))

$(EMULATORS)/.bigquery: $(VENV)/.created requirements-bigquery-emulator.txt
	$(call install,bigquery,BigQuery,$(call pip,bigquery,requirements-bigquery-emulator.txt) && \
	mkdir $(HOME_OF_BIGQUERY) && HOME=$(HOME_OF_BIGQUERY) $(EMULATORS)/bigquery/bin/python -c '$(EXTENSION)')

$(EMULATORS)/.azurite-$(AZURITE): $(VENV)/.created
	$(call install,azurite,azfs://,npm install --prefix $(EMULATORS)/azurite --no-audit --no-fund azurite@$(AZURITE))

clean:
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis
