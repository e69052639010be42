"""Ringing a worker. Celery is only a doorbell: rows say what is to be done, sweeps ring again."""

from __future__ import annotations

import logging
from typing import Any

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def ring_on_commit(task: str, *args: Any) -> None:
    """Enqueue a task by its name once the transaction at hand is committed.

    By name, so that services need not import the tasks that call them. A broker that is away
    changes nothing but how soon the task runs.
    """
    transaction.on_commit(lambda: _ring(task, *args))


def _ring(task: str, *args: Any) -> None:
    try:
        current_app.send_task(task, args=list(args))
    except (OperationalError, OSError) as error:
        logger.warning("%s could not be rung yet: %s", task, type(error).__name__)
