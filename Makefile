# Every target works from a fresh clone: it creates the environment first.
# Caches (wheels, Go builds, the Weaviate binary, mypy's) are outside the checkout, so `make clean` does not delete them.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/
STAMP := $(VENV)/.installed
ALL := $(VENV)/.installed-all
LIGHT := $(VENV)/light/.installed
EDITABLE := --no-deps --editable . $(patsubst %,--editable %,$(dir $(wildcard packages/*/pyproject.toml)))
DEFAULT_LOCK := sed '/^\# image:/,$$d' requirements.lock

# Python keeps compiled modules: without them each of the many processes of a test run compiles its imports again.
unexport PYTHONDONTWRITEBYTECODE

# Of a new checkout mypy checks only what has changed since the last one: the rest takes it most of a minute.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/swatchbook
export MYPY_CACHE_DIR := $(CACHE)/mypy

ACTIONLINT_VERSION := v1.7.12
ACTIONLINT := $(CACHE)/actionlint-$(ACTIONLINT_VERSION)/actionlint

# A PyTorch index of your choice (its CPU builds are ten times smaller): make install-all TORCH_INDEX=<address>
TORCH_INDEX ?=

.PHONY: install install-all sample demo test test-python test-stack nightly test-kubernetes reference notebook site soak check workflow-check bench weaviate up down lock lock-check sbom release-check clean

# `install` brings what the default needs; `install-all` also every extra of pyproject.toml and the developers' packages.
install: $(STAMP)
install-all: $(ALL)

$(STAMP): requirements.lock pyproject.toml $(wildcard packages/*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(RUN)pip install --quiet --disable-pip-version-check 'uv>=0.9'
	$(DEFAULT_LOCK) | $(RUN)uv pip install --python $(RUN)python --require-hashes -r -
	$(RUN)uv pip install --python $(RUN)python $(EDITABLE)
	touch $@

$(ALL): $(STAMP)
ifeq ($(TORCH_INDEX),)
	$(RUN)uv pip install --python $(RUN)python --require-hashes -r requirements.lock
else
	awk '/^[a-z]/ {drop = /^(torch|triton|nvidia|cuda)/} !drop' requirements.lock > $(VENV)/without-torch.txt
	$(RUN)uv pip install --python $(RUN)python --index "$(TORCH_INDEX)" "$$(grep -o '^torch==[0-9.]*' requirements.lock)"
	$(RUN)uv pip install --python $(RUN)python --no-deps --require-hashes -r $(VENV)/without-torch.txt
endif
	touch $@

# What `make install` gives, within the environment that has more: tests run it.
$(LIGHT): $(STAMP)
	$(RUN)uv venv --clear --quiet --python $(RUN)python $(@D)
	$(DEFAULT_LOCK) | $(RUN)uv pip install --quiet --python $(@D)/bin/python --require-hashes -r -
	$(RUN)uv pip install --quiet --python $(@D)/bin/python $(EDITABLE)
	touch $@

sample: $(STAMP)
	$(RUN)python -m samples.generate

demo: $(STAMP)
	$(RUN)python -m samples.demo

# The gate is what a change could break: `test` runs its part that needs nothing but Python (SQLite and LanceDB, and the
# light installation), `test-stack` its part on servers, containers and system packages. `nightly` runs all tests there
# are, with more examples, then `test` on Python 3.13. Each prints its durations by folder.
PYTEST := $(RUN)python -m pytest --dist loadgroup --no-loadscope-reorder
test: $(ALL) $(LIGHT)
	$(PYTEST) -n 3 -m "not stack and not nightly"

# `make test` on Python 3.13, of a newer Debian in the cache folder, which debootstrap makes once; as root.
test-python:
	devtools/python3.13.sh make test PYTHON=python3.13 VENV=build/python3.13

# Much of the time of these tests is waiting, so four run at once.
test-stack: $(ALL)
	$(RUN)python -m devtools.weaviate path > /dev/null
	$(PYTEST) -n 4 -m "(stack or needs) and not nightly"

nightly: $(ALL) $(LIGHT)
	$(RUN)python -m devtools.weaviate path > /dev/null
	$(RUN)python -m devtools.minio > /dev/null
	TEST_NIGHTLY=1 $(PYTEST) -n 4
	$(MAKE) test-python

# The pages that are made from the program: commands, settings, HTTP, llms.txt.
reference: $(ALL)
	for page in commands settings_reference http_reference llms; do $(RUN)python -m devtools.$$page || exit; done

# docs/notebook.ipynb: runs its cells and stores what they give.
notebook: $(ALL)
	$(RUN)python -m devtools.notebook

# build/site: the documentation as a site. `--strict`: a link that leads nowhere, or a page that no menu has, is an error.
site: $(ALL)
	NO_MKDOCS_2_WARNING=1 $(RUN)python -m mkdocs build --quiet --strict

# Kills, outages, floods, mutated PDFs, five minutes of any requests and repeated rounds in full: docs/RELIABILITY.md.
soak: $(ALL)
	$(RUN)python -m devtools.weaviate path > /dev/null
	SWATCHBOOK_TEST_SOAK=1 $(RUN)python -m pytest packages/catalogue/tests/test_hostile.py tests/store/ledger/test_lives.py tests/store/ledger/queries/test_account.py packages/backup/tests/test_kills.py tests/flows/test_deleted_meanwhile.py tests/flows/test_killed_import.py tests/flows/test_kills.py tests/flows/test_many.py tests/flows/test_rounds.py tests/upkeep/test_killed_change_of_model.py packages/service/tests/fuzz.py tests/servers tests/servers/storm.py tests/containers/test_pool.py tests/containers/soak.py

# Shards and the Helm chart on a control plane of Kubernetes, built with Go once (40 minutes on two busy cores); not part of CI.
test-kubernetes: $(ALL)
	$(RUN)python -m devtools.weaviate path > /dev/null
	$(RUN)python -m devtools.kubernetes
	$(RUN)python -m devtools.helm
	$(RUN)python -m pytest tests/kubernetes/on_kubernetes.py tests/kubernetes/helm_on_kubernetes.py

# The workflow of a public host is checked where there is Go, which builds the checker once.
check: $(ALL) $(if $(shell type -P go),workflow-check)
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)mypy
	$(RUN)python -m devtools.size

workflow-check: $(ACTIONLINT)
	$(ACTIONLINT) -shellcheck= -pyflakes= .github/workflows/*.yml

$(ACTIONLINT):
	GOBIN=$(@D) go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

bench: $(ALL)
	$(RUN)python -m benchmarks.run

weaviate: $(STAMP)
	$(RUN)python -m devtools.weaviate start

# All containers of compose.yaml, with the secrets of .env; `down` keeps the data. docs/deploy.md.
# Variables: IMAGE, VARIANT, BASE_IMAGE, CA_BUNDLE, PIP_CONFIG.
up down:
	deployments/containers/compose.sh $@

# Pins every package with its hashes, for Python 3.11 and 3.13.
PYTHONS := 3.11 3.13
lock: $(STAMP)
	$(RUN)python -m devtools.lock
	$(MAKE) lock-check

# Checks that every pinned package has a wheel for each Python on Linux x86-64; installs nothing.
lock-check: $(STAMP)
	for version in $(PYTHONS); do $(RUN)uv pip install --dry-run --target build/wheels-$$version --python-version $$version \
		--python-platform x86_64-manylinux_2_28 --only-binary :all: --require-hashes --no-deps -r requirements.lock || exit; done

# build/sbom-light.json, build/sbom-models.json and build/licences.md: what the images contain. Fails for a licence that is
# unknown or not allowed by devtools/licences.toml.
sbom: $(ALL)
	$(RUN)python -m devtools.bill_of_materials

# Builds sdist and wheel into dist/, checks files and metadata, and uses the wheel in a fresh environment. About a minute.
release-check: $(ALL) sbom
	$(RUN)python -m devtools.release_check

clean:
	rm -rf $(VENV) build dist *.egg-info samples/build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
