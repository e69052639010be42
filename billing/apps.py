from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "billing"
    verbose_name = _("Tokens and money")

    def ready(self) -> None:
        for name in ("checks", "stripe.checks", "stripe.webhooks"):
            import_module(f"billing.{name}")
        import_module("billing.stripe.api").library_configure()
