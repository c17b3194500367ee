# Thin: make.py does the work, also where there is no make (python make.py TARGET).
PYTHON ?= python3

.PHONY: help start course test lessons mutants pins lint unit browser notebooks install clean
help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

start:  ## install what the lessons need, then open them in JupyterLab
	@$(PYTHON) make.py start

course:  ## install, then execute and publish every notebook into build/site/
	@$(PYTHON) make.py course

test:  ## install, then lint, types, unit tests and every notebook
	@$(PYTHON) make.py test

lessons:  ## run every lesson again and store its outputs (ALL=1: the times and pictures too)
	@$(PYTHON) make.py lessons

mutants:  ## break lines of the lessons, and count the breaks that nbval does not see (SEED=1 N=60)
	@$(PYTHON) make.py mutants

pins:  ## write constraints.txt anew, for every Python and system (needs uv; UPGRADE=1: the newest of all)
	@$(PYTHON) make.py pins $(if $(UPGRADE),--upgrade)

lint unit browser notebooks install:
	@$(PYTHON) make.py $@

clean:  ## remove what the other targets made, the virtual environment included
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis notebooks/data slides/data
