# Short names for what bin/ and manage.py do.
.PHONY: setup run worker beat test lint seed

setup: ## install the development requirements
	python3 -c 'import sys; sys.path.insert(0, "bin"); import _venv; _venv.require_python(); _venv.ensure("requirements-dev.txt", "requirements.txt")'

run: ## web, worker and beat with demo data
	bin/serve

worker: setup
	.venv/bin/celery -A config worker --concurrency 2 --loglevel INFO --pidfile=

beat: setup
	.venv/bin/celery -A config beat --loglevel INFO --pidfile=

test:
	bin/test

lint: setup
	.venv/bin/ruff check . $$(grep -lE '^#!.*python' bin/*)
	.venv/bin/ruff format --check . $$(grep -lE '^#!.*python' bin/*)
	.venv/bin/mypy accounts complaints review publication analytics config
	.venv/bin/djlint templates --lint --quiet

seed: setup
	.venv/bin/python manage.py seed_demo
