from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BuilderConfig(AppConfig):
    name = "builder"
    verbose_name = _("Builder")

    def ready(self) -> None:
        import_module("builder.checks")
        from celery.signals import worker_shutting_down

        from builder.services.monitor import monitor

        def stop_runs(**_signal: Any) -> None:
            monitor.stop_soon()

        worker_shutting_down.connect(stop_runs, weak=False, dispatch_uid="builder.stop_runs")
