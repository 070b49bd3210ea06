# Everything starts from nothing but make and Python 3.11 or later: `make demo`, `make test`.
# Another Python: make PYTHON=python3.12 demo. Only some tests: make test ARGS="-m 'not slow' tests/layers". Tests run in
# two processes, which finish in little more than half the time: a test spends most of it in Python. In one: JOBS=0.

PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
JOBS   ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# TensorFlow 2.21 reads this late: a few lines about oneDNN and CUDA still appear while it is imported.
export TF_CPP_MIN_LOG_LEVEL ?= 2
export KERAS_BACKEND := tensorflow

.PHONY: help venv demo test test-long bench notebooks lint clean
.NOTPARALLEL:

help:
	@echo "make demo       train a character language model, generate, export; caption photographs (a few minutes)"
	@echo "make test       the whole test suite; choose with ARGS=..."
	@echo "make bench      speed and memory beside Keras and PyTorch (installs PyTorch)"
	@echo "make notebooks  run every notebook again, in place"
	@echo "make lint       ruff: rules and format"
	@echo "make venv       only the environment, in $(VENV)"
	@echo "make clean      remove what was built; $(VENV) stays"

venv: $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/python applications/char_language_model/train.py --demo $(ARGS)
	$(BIN)/python applications/image_captioning/demo.py

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

test-long: $(VENV)/.installed-test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m long $(ARGS)

bench: $(VENV)/.installed-bench
	@set -e; for script in tests/benchmarks/bench_*.py; do echo "== $$script"; \
	    PYTHONPATH=. $(BIN)/python "$$script" $(ARGS); done

notebooks: $(VENV)/.installed-test
	$(BIN)/python -m tests.run_notebooks applications/*/notebook.ipynb

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf build dist ./*.egg-info ./*.whl .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./$(VENV)/*" -prune -exec rm -rf {} +

# Stamps: a step is done again only when the requirements change. The package is installed as a link to this tree
# (-e), so an edit of the code needs no installation.
$(VENV)/.made:
	@command -v $(PYTHON) >/dev/null || { \
	    echo "'$(PYTHON)' was not found. Install Python 3.11 or later, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(0 if sys.version_info >= (3, 11) else \
	    "keras_seqcv needs Python 3.11 or later; $(PYTHON) is " + v + ". Name another: make PYTHON=python3.11")'
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 14) or print("Note: TensorFlow 2.21 is published for Python 3.11 to", \
	    "3.13; if the installation finds none, name another Python: make PYTHON=python3.13")'
	@$(PYTHON) -m venv --clear $(VENV) || { \
	    echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.made setup.cfg pyproject.toml
	@echo "Installing keras_seqcv, TensorFlow and LiteRT into $(VENV) (a minute or two, about 2 GB) ..."
	@$(PIP) -e ".[litert]"
	@touch $@

$(VENV)/.installed-test: $(VENV)/.made setup.cfg pyproject.toml
	@echo "Installing keras_seqcv and what its tests need into $(VENV) (a minute or two, about 2 GB) ..."
	@$(PIP) -e ".[test]"
	@touch $(VENV)/.installed $@

# For PyTorch without CUDA (a tenth of the size): make bench PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
$(VENV)/.installed-bench: $(VENV)/.installed-test
	@echo "Installing PyTorch into $(VENV) ..."
	@$(PIP) -e ".[test,bench]"
	@touch $@
