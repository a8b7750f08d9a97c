# make demo [CSV=path] [OUT=path]   the whole system on this machine, from telemetry to a chart
# make test                         everything that proves the project
# make bench [CSV=path]             what is fast and what is not

PYTHON ?= python3
VENV ?= .venv
OUT ?= out/demo
BIN := $(VENV)/bin

.PHONY: demo test check bench clean

demo: $(VENV)/.runtime
	@$(BIN)/python -m demo --output "$(OUT)" $(if $(CSV),--csv "$(CSV)")

test: check
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(VENV)/.development
	@$(BIN)/python -m benchmarks $(if $(CSV),--csv "$(CSV)")

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %s; set PYTHON=..." % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.created requirements.txt
	@echo "installing the packages of requirements.txt, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.development: $(VENV)/.created requirements.txt requirements-dev.txt
	@echo "installing the packages of requirements-dev.txt, once"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime

clean:
	rm -rf $(VENV) out .mypy_cache .ruff_cache .pytest_cache .hypothesis
