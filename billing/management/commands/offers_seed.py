"""`manage.py offers_seed`: the owner's offers as rows, once."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from billing.models import Offer
from billing.offers import SEEDS


class Command(BaseCommand):
    help = "Adds missing offers; what staff changed stays."

    def handle(self, *args: Any, **options: Any) -> None:
        for place, seed in enumerate(SEEDS):
            facts = {
                "kind": seed.kind,
                "name": seed.name,
                "tokens": seed.tokens,
                "amount_cents": seed.amount_cents,
                "order": place,
            }
            _, created = Offer.objects.get_or_create(slug=seed.slug, defaults=facts)
            if created:
                self.stdout.write(f"added {seed.slug}")
