"""`manage.py stripe_sync`: the offers at Stripe, and the endpoint its webhooks come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import stripe
from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing.services.stripe_catalogue import catalogue_sync
from billing.services.stripe_endpoint import endpoint_of, endpoint_register, endpoint_sync
from billing.stripe.api import PaymentProviderUnavailable, purchases_open


class Command(BaseCommand):
    help = (
        "Brings Stripe's products and prices to what the offers say, and makes the webhook"
        " endpoint's row. Safe to repeat. Without STRIPE_SECRET_KEY it does nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--register",
            action="store_true",
            help="also have Stripe send our events to the webhook URL (APP_URL must be public)",
        )

    def handle(self, *args: Any, register: bool, **options: Any) -> None:
        if not purchases_open():
            self.stdout.write("no STRIPE_SECRET_KEY: purchases are closed, nothing to do")
            return
        try:
            self._tell(catalogue_sync())
            self._tell(endpoint_sync())
            if register:
                self._tell(endpoint_register())
        except PaymentProviderUnavailable as error:
            raise CommandError(f"Stripe could not be used: {error.__cause__ or error}") from error
        except stripe.InvalidRequestError as error:
            raise CommandError(f"Stripe refused: {error}") from error
        endpoint = endpoint_of()
        if endpoint is not None:
            self.stdout.write(f"webhook URL: {endpoint.url}")

    def _tell(self, done: Iterator[str]) -> None:
        for line in done:
            self.stdout.write(line)
