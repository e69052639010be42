"""The Celery app. Tasks are doorbells: the database row is the truth."""

import logging
import os
import sys
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_ready
from django.conf import settings

from config.broker import use_shared_clients
from config.collector import spare_what_is_loaded
from config.env import EnvironmentProblems

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("sitewright")


@app.on_configure.connect
def _tell_what_is_wrong(**_signal: Any) -> None:
    """The command line of a worker or beat ends with the list, not with a stack trace."""
    try:
        settings.DEBUG  # noqa: B018 - loads the settings here, where the error can be told
    except EnvironmentProblems as problems:
        sys.exit(str(problems))


@setup_logging.connect
def _leave_logging_to_django(**_signal: Any) -> None:
    """Being connected is enough: Celery then adds no handlers of its own."""


@worker_ready.connect
def _begin_to_work(**_signal: Any) -> None:
    spare_what_is_loaded()
    # A line for each task as it comes says nothing that the one at its end does not.
    logging.getLogger("celery.worker.strategy").setLevel(logging.WARNING)


use_shared_clients()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By name: the module reads the settings, which this one must not do at import.
app.steps["consumer"].add("config.heartbeat:Heartbeat")
