# make demo, make test: all that a fresh machine with Python 3.11 or newer needs.
PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo
# The commands among benchmarks/*.py; the others are what these share.
BENCHMARKS := calibration cohort fuzz gating gating_second intervals reading report tables throughput

.PHONY: demo test lint bench test-cluster test-kills clean

demo: .venv/installed
	$(BIN)/hladr demo $(DEMO)

test: .venv/installed-test lint
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: .venv/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# A SLURM cluster of this one machine; needs root and Debian's packages slurmctld, slurmd, slurm-client and munge.
test-cluster: .venv/installed-test
	tests/cluster/run.sh $(BIN)

# Twenty kills at random moments instead of the four in `make test`; minutes.
test-kills: .venv/installed-test
	HLADR_FAULT_KILLS=20 $(BIN)/python -m pytest tests/faults/test_kills.py

bench: .venv/installed-test
	for name in $(BENCHMARKS); do echo "== $$name"; $(BIN)/python benchmarks/$$name.py --quick || exit 1; done

clean:
	rm -rf .venv $(DEMO)

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("hladr needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv .venv

.venv/installed: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

.venv/installed-test: requirements-test.lock .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-test.lock
	touch $@
