"""`manage.py beat_seed`: put every app's schedule into django-celery-beat's tables."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.utils.module_loading import module_has_submodule
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from billing.schedule import Crontab, Every, Periodic


class Command(BaseCommand):
    help = "Adds missing periodic tasks; leaves what staff changed alone, unless --reset."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--reset", action="store_true", help="put existing ones back to what the code says"
        )

    def handle(self, *args: Any, reset: bool, **options: Any) -> None:
        with transaction.atomic():
            for periodic in _schedules():
                if reset or not PeriodicTask.objects.filter(name=periodic.name).exists():
                    _, created = PeriodicTask.objects.update_or_create(
                        name=periodic.name, defaults=_facts(periodic)
                    )
                    self.stdout.write(f"{'added' if created else 'reset'} {periodic.name}")


def _schedules() -> Iterator[Periodic]:
    for app in apps.get_app_configs():
        # Our own apps only: others may have a module of that name for something else.
        if module_has_submodule(app.module, "schedule"):
            found = getattr(import_module(f"{app.name}.schedule"), "SCHEDULE", ())
            yield from (entry for entry in found if isinstance(entry, Periodic))


def _facts(periodic: Periodic) -> dict[str, Any]:
    facts: dict[str, Any] = {"task": periodic.task, "enabled": True}
    if isinstance(periodic.when, Every):
        seconds = periodic.when.seconds
        interval, _ = IntervalSchedule.objects.get_or_create(
            every=seconds, period=IntervalSchedule.SECONDS
        )
        # While no worker listens the rings pile up; a late one is as good as the next.
        return {**facts, "interval": interval, "crontab": None, "expire_seconds": seconds}
    return {**facts, "crontab": _crontab(periodic.when), "interval": None, "expire_seconds": None}


def _crontab(when: Crontab) -> CrontabSchedule:
    crontab, _ = CrontabSchedule.objects.get_or_create(
        minute=when.minute,
        hour=when.hour,
        day_of_week="*",
        day_of_month=when.day_of_month,
        month_of_year="*",
        timezone="UTC",
    )
    return crontab
