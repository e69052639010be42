"""Reads of pictures. Someone else's picture does not exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from accounts.models import User
from builder.models import Picture, Run, RunPicture
from config.errors import NotFound


def picture_get(*, user: User, site_id: UUID, picture_id: UUID) -> Picture:
    """A picture of the person's site, with the site, without its bytes. Raises NotFound."""
    found = (
        Picture.objects.select_related("site")
        .defer("content")
        .filter(pk=picture_id, site_id=site_id, site__owner=user, site__deleted_at=None)
        .first()
    )
    if found is None:
        raise NotFound(_("There is no such picture."))
    return found


def pictures_of_run(run: Run) -> list[Picture]:
    """What was sent with a run, in its order, bytes included. No query for a run without."""
    if not run.picture_count:
        return []
    rows = RunPicture.objects.filter(run=run).select_related("picture").order_by("position")
    return [row.picture for row in rows]


def pictures_of_runs(runs: Iterable[Run]) -> dict[UUID, list[Picture]]:
    """Run id → its pictures without their bytes; in one query, none where no run has any."""
    found: dict[UUID, list[Picture]] = {run.pk: [] for run in runs if run.picture_count}
    if not found:
        return found
    rows = RunPicture.objects.filter(run_id__in=found).order_by("run_id", "position")
    for row in rows.select_related("picture").defer("picture__content"):
        found[row.run_id].append(row.picture)
    return found


def pictures_of_site(*, site_id: UUID, ids: Iterable[UUID]) -> list[Picture]:
    """Those of `ids` that are pictures of the site, in the order of `ids`, without their bytes."""
    wanted = list(ids)
    if not wanted:
        return []
    rows = Picture.objects.filter(site_id=site_id).defer("content").in_bulk(wanted)
    return [rows[picture_id] for picture_id in wanted if picture_id in rows]


def picture_at(*, site_id: UUID, name: str) -> Picture | None:
    """The site's picture of that file name, bytes included; None also where the site was deleted.

    Who holds the live frame's capability may see it: no person is asked for here.
    """
    return Picture.objects.filter(
        site_id=site_id, name=name, site__deleted_at=None, site__owner__is_active=True
    ).first()


def picture_as_dict(picture: Picture) -> dict[str, Any]:
    """The picture as the API shows it: camelCase keys, sizes in pixels and bytes."""
    return {
        "id": str(picture.pk),
        "name": picture.name,
        "mediaType": picture.media_type,
        "width": picture.width_px,
        "height": picture.height_px,
        "sizeBytes": picture.size_bytes,
        "url": f"/api/sites/{picture.site_id}/pictures/{picture.pk}",
    }
