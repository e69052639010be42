"""Time zones people can choose, by their IANA name."""

from __future__ import annotations

from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

UTC = "UTC"
# Not places: fixed offsets, and the names of one country's old scheme.
_NOT_REGIONS = {"Etc", "SystemV", "US", "posix", "right"}


@cache
def zone_names() -> tuple[str, ...]:
    """`UTC`, then every `Region/City`, sorted. Read once: it walks the zone database."""
    places = (
        name
        for name in available_timezones()
        if "/" in name and name.split("/", 1)[0] not in _NOT_REGIONS
    )
    return (UTC, *sorted(places))


def validate_time_zone(name: str) -> None:
    if name not in zone_names():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Use a name such as Europe/Paris or Asia/Shanghai."),
            params={"name": name[:64]},
            code="time_zone",
        )


def zone_of(name: str) -> ZoneInfo:
    """The zone; UTC when the name has left the zone database since it was chosen."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo(UTC)


def zone_choices() -> list[tuple[str, str | list[tuple[str, str]]]]:
    """For a select: UTC, then the places grouped by region."""
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in zone_names()[1:]:
        region, place = name.split("/", 1)
        regions.setdefault(region, []).append((name, place.replace("_", " ")))
    return [(UTC, UTC), *regions.items()]
