# One command each: run it, test it, check it, prove it, time it. CI calls the same ones.
PY := .venv/bin/python
.PHONY: help demo test check format docs prove bench lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: ## the whole story on a built-in company, trials and gateway too; prints where the report is
	@sh tools/bootstrap.sh requirements-gateway.lock
	@.venv/bin/baseload demo

test: ## install everything the tests need, then run all of them
	@sh tools/bootstrap.sh requirements-dev.lock
	$(PY) -m pytest -n 2 --dist worksteal -m "not prove"

check: ## format, lint, types, import order, docs
	@sh tools/bootstrap.sh requirements-dev.lock
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) tools/check_docs.py
	.venv/bin/zensical build --clean

format: ## put the code in the house's format
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

docs: ## build the documentation into site/
	@sh tools/bootstrap.sh requirements-dev.lock
	.venv/bin/zensical build --clean

prove: ## full-size statistical, kill and back-test suites; tables go to docs/proofs.md
	@sh tools/bootstrap.sh requirements-prove.lock
	$(PY) tools/prove.py

bench: ## speeds and peers, as ratios in the same run; tables go to docs/benchmarks.md
	@sh tools/bootstrap.sh requirements-prove.lock
	$(PY) benchmarks/run.py

lock: ## rewrite the lock files from pyproject.toml
	sh tools/lock.sh

clean: ## remove everything that can be made again
	rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis
