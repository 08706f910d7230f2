# The two commands of the README: `make demo` and `make test`. Each makes .venv and installs what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 4

.PHONY: demo test test-compiled fuzz soak bench bench-quick lint format docs clean

$(VENV)/.demo: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@ $(VENV)/.demo

# The product as it is installed: the hot loop of ext_proc compiled (setup.py).
COMPILED := .venv-compiled
$(COMPILED)/.done: setup.py pyproject.toml constraints.txt $(shell git ls-files '*.py' '*.lua' | grep -v ^tests/)
	$(PYTHON) -m venv $(COMPILED)
	rm -rf build
	PIP_CONSTRAINT=constraints.txt $(COMPILED)/bin/pip install --quiet --disable-pip-version-check '.[dev]'
	touch $@

demo: $(VENV)/.demo
	$(BIN)/llm-gateway demo

# Tests that hold a time limit of the product run alone, after the others. Some tests: ARGS="-k failover".
test: $(VENV)/.dev
ifdef ARGS
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(ARGS)
else
	$(BIN)/pytest -n $(WORKERS) --dist loadfile -m "not alone" --cov --cov-report=
	$(BIN)/pytest -m alone --cov --cov-append --cov-report=term
endif

# ext_proc's tests once more, on the compiled modules: those installed, not those of this folder.
test-compiled: $(COMPILED)/.done
	$(COMPILED)/bin/python -P -m pytest --import-mode=append -p no:cacheprovider -n $(WORKERS) --dist loadfile \
	    --require-compiled tests/extproc

$(VENV)/.fuzz: $(VENV)/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,fuzz]'
	touch $@

# Each target for so many seconds. Some targets: ARGS="frames yaml".
SECONDS ?= 60
fuzz: $(VENV)/.fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

# What a request costs next to a plain Envoy (docs/performance.md). Some rows: ARGS="--only 'translated-*'".
bench: $(COMPILED)/.done
	$(COMPILED)/bin/python -m tests.bench $(ARGS)

bench-quick: $(COMPILED)/.done
	$(COMPILED)/bin/python -m tests.bench --quick $(ARGS)

# About three minutes on two cores. Fewer requests: ARGS="--requests 20000".
soak: $(COMPILED)/.done
	$(COMPILED)/bin/python -m tests.soak $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.dev
	$(BIN)/python -m controlplane.config.reference > docs/configuration.md
	$(BIN)/python -m extproc.chat.matrix > docs/capabilities.md

clean:
	rm -rf $(VENV) $(COMPILED) build *.egg-info
