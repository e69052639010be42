"""`manage.py catalogue_seed`: creates what is missing of the shipped catalogue."""

from typing import Any

from django.core.management.base import BaseCommand

from models_catalog.services import catalogue_seed


class Command(BaseCommand):
    help = (
        "Creates the providers, models, routes and fallbacks of the shipped catalogue that are "
        "missing. Rows that exist are never changed, so staff's edits stay. Safe to repeat."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        seeded = catalogue_seed()
        self.stdout.write(
            f"Catalogue: {len(seeded.providers)} providers, {len(seeded.models)} models, "
            f"{len(seeded.routes)} routes, {len(seeded.fallbacks)} fallbacks created."
        )
