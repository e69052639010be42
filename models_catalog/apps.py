from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ModelsCatalogConfig(AppConfig):
    name = "models_catalog"
    verbose_name = _("Models and providers")

    def ready(self) -> None:
        import_module("models_catalog.checks")
