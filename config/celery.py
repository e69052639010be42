"""The Celery app. Tasks are doorbells: the database row is the truth."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("sitewright")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
# By name: the module reads the settings, which this one must not do at import.
app.steps["consumer"].add("config.heartbeat:Heartbeat")
