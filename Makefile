# Every target creates the environment first; nothing is needed but Python 3.11, make and git.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

# Compiled modules are kept whatever the machine says: each of a few hundred processes that tests
# and the demo start would otherwise compile this project's own anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check bench prove serve lock

demo: $(READY)
	$(BIN)/foreland demo

# On two cores; the tests of a file stay together, because they share what is slow to make. In the
# order of the files: by their number of tests, those with one long test would end on one core.
test: $(READY)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.benchmarks

prove: $(READY)
	HYPOTHESIS_PROFILE=deep $(BIN)/pytest -m "slow or not slow"

serve: $(READY)
	$(BIN)/foreland serve

# uv installs the 200 locked packages in seconds; pip's own hash mode takes minutes. It compiles
# them on all cores, half a minute of processor time: the demo's processes, which start together,
# would each compile the same imports otherwise, 5 s for a training.
$(READY): requirements.lock installer.lock pyproject.toml
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r installer.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(READY)

# Rewrites both locks from pyproject.toml; they carry hashes and name no package index.
lock: $(READY)
	echo "uv" | $(BIN)/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 - -o installer.lock
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-strip-extras --python-version 3.11 --extra dev pyproject.toml -o requirements.lock
