"""The Celery application; tasks live in each app's tasks.py."""

import os

from celery import Celery
from celery.signals import worker_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("huiyin")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def look_before_start(**kwargs: object) -> None:
    """A worker refuses to start on bad production data like the web process does."""
    from config.startup import refuse_bad_start  # leaf

    refuse_bad_start()
