# `make` sets up an environment in .venv and runs the demo; `make test` sets up and tests, `make test-all` tests more.
PYTHON ?= python3
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
BIN = .venv/bin

.PHONY: demo test test-slow test-all test-planted lint soak benchmark lock clean

demo: .venv/runtime
	$(BIN)/snakemake --cores $(CORES)
	@echo "Figures: results/demo/figures; all executed notebooks: results/demo/notebooks/html/index.html"

# compiles faster, with few passes; `make test-slow` compiles as a run does
test: export XLA_FLAGS = --xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true
test: lint
	$(BIN)/pytest --numprocesses $(CORES) -m "not slow"

# broken runs, SLURM (needs root), a browser, made input, other programs: .ci/run installs what they need
test-slow: .venv/development
	$(BIN)/pytest --numprocesses $(CORES) -m slow

test-all: test test-slow

# puts each fault of tests/planted into a copy of the project and runs the quick test that must fail there
test-planted: .venv/development
	$(BIN)/python tests/planted/run.py --at-once $(CORES)

lint: .venv/development
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/python tests/check_notebooks.py

# twenty rounds of every fault (some need root and Debian's libfaketime), and 100,000 made inputs, about two hours
ROUNDS ?= 20
CASES ?= 100000
soak: .venv/development
	PYTHONPATH=scripts:tests $(BIN)/python -m faults --rounds $(ROUNDS) --at-once $(CORES)
	PYTHONPATH=scripts $(BIN)/python -m tests.fuzz --cases $(CASES)

# about half an hour on two cores, most of it other programs'; DATA is the folder of spike_delta_ba1_10k.csv
DATA ?= $(PROXSWEEP_DATA)
benchmark: .venv/development
	$(BIN)/python benchmarks/encode_size.py
	$(BIN)/python benchmarks/solve.py --plain
	$(BIN)/python benchmarks/sweep.py
	$(BIN)/python benchmarks/size.py
	$(BIN)/python benchmarks/prox.py
	$(BIN)/python benchmarks/job_overhead.py
	$(BIN)/python benchmarks/page.py
	$(BIN)/python benchmarks/real.py --data $(DATA)/spike_delta_ba1_10k.csv
	$(BIN)/python benchmarks/multidms.py --data $(DATA)/spike_delta_ba1_10k.csv
	$(BIN)/python benchmarks/nmf_speed.py
	$(BIN)/python benchmarks/nmf_memory.py
	$(BIN)/python benchmarks/nmf_random.py

.venv/bin/python:
	$(PYTHON) -I -m venv .venv

.venv/runtime: .venv/bin/python envs/requirements.lock
	$(BIN)/python -I -m pip install --quiet --require-hashes -r envs/requirements.lock
	$(BIN)/python -I -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/development: .venv/runtime envs/development.lock
	$(BIN)/python -I -m pip install --quiet --require-hashes -r envs/development.lock
	touch $@

# needs uv; writes no registry's address
lock:
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes \
	    pyproject.toml --output-file envs/requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --no-header --generate-hashes \
	    --extra development --constraint envs/requirements.lock pyproject.toml --output-file envs/development.lock
	$(PYTHON) envs/conda_from_lock.py

clean:
	rm -rf .venv .snakemake
