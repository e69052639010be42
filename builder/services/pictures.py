"""Writes on pictures: stored once per site, taken away while nothing uses them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from builder.models import Picture, Run, RunPicture, Site, Version
from builder.pictures import (
    PICTURES_MOST,
    CleanPicture,
    is_picture_path,
    picture_read,
    picture_size,
)
from builder.pictures.naming import picture_name, picture_path
from builder.prompts import SentPicture, sent_picture
from builder.selectors.limits import limits_of
from builder.selectors.pictures import picture_get
from builder.services.sites import site_lock
from builder.services.upload_limits import upload_admit
from builder.services.versions import MAX_FILES, MAX_PICTURES_BYTES
from config.errors import Conflict, DomainError, InvalidInput, NotFound, TooLarge
from models_catalog.models import AIModel
from models_catalog.selectors import models_listed

# Far above what a site needs; it bounds what a script can store.
PICTURES_MOST_PER_SITE = 200
UNUSED_MOST_PER_OWNER = 60
UNUSED_KEPT = timedelta(days=7)


def picture_upload(*, user: User, site: Site, file: UploadedFile[bytes]) -> Picture:
    """`picture_add` of an uploaded file, of which no more is read than may be taken."""
    most_bytes = limits_of(user).upload_bytes
    data = file.read(most_bytes + 1)
    return picture_add(user=user, site=site, data=data, name=file.name or "")


def pictures_uploaded(
    *, user: User, site: Site, files: Iterable[UploadedFile[bytes]]
) -> tuple[list[str], list[str]]:
    """The pictures of a form sent without scripts: (ids of those stored, why others were not)."""
    stored: list[str] = []
    refused: list[str] = []
    for file in islice(files, PICTURES_MOST):
        try:
            stored.append(str(picture_upload(user=user, site=site, file=file).pk))
        except DomainError as refusal:
            refused.append(f"{file.name}: {refusal.message}")
    return stored, refused


def picture_add(*, user: User, site: Site, data: bytes, name: str) -> Picture:
    """Verify, re-encode and store a picture of `site`, which is the user's.

    The same picture again gives the same row, under its first name. name: the uploaded file's; it
    becomes a safe one that no other picture of the site has. Raises TooLarge, UnsupportedPicture,
    InvalidInput (see `picture_read`), TooManyRequests (see `upload_admit`), Conflict (too many
    pictures), NotFound (site deleted); then nothing was stored.
    """
    limits = limits_of(user)
    upload_admit(owner_id=user.pk, limits=limits, now_seconds=time.time())
    clean = picture_read(data, most_bytes=limits.upload_bytes)
    digest = hashlib.sha256(clean.content).hexdigest()
    with transaction.atomic():
        # Names and sizes are looked at under the site's lock, so two uploads can not race.
        locked = site_lock(site, deleted=False)
        known = Picture.objects.filter(site=locked, sha256=digest).defer("content").first()
        return known or _store(user, locked, clean, digest, name)


def _store(user: User, site: Site, clean: CleanPicture, digest: str, name: str) -> Picture:
    taken = set(Picture.objects.filter(site=site).values_list("name", flat=True))
    if len(taken) >= PICTURES_MOST_PER_SITE:
        raise Conflict(
            _("This site has %(count)d pictures, which is the most there can be.")
            % {"count": len(taken)},
            code="too_many_pictures",
        )
    if _unused().filter(owner=user).count() >= UNUSED_MOST_PER_OWNER:
        raise Conflict(
            _(
                "You have attached %(count)d pictures without sending them, which is the most there"
                " can be. Nothing was stored. Send or remove some."
            )
            % {"count": UNUSED_MOST_PER_OWNER},
            code="too_many_pictures",
        )
    return Picture.objects.create(
        owner=user,
        site=site,
        name=picture_name(name, clean.media_type, taken),
        media_type=clean.media_type,
        width_px=clean.width,
        height_px=clean.height,
        size_bytes=len(clean.content),
        sha256=digest,
        content=clean.content,
    )


def picture_delete(*, user: User, site_id: UUID, picture_id: UUID) -> None:
    """Take away a picture that no run was sent. Raises NotFound, Conflict (a run was)."""
    with transaction.atomic():
        picture = picture_get(user=user, site_id=site_id, picture_id=picture_id)
        # A run that starts with it takes the same lock.
        site_lock(picture.site)
        if RunPicture.objects.filter(picture=picture).exists():
            raise Conflict(
                _("A request was sent with this picture, so it stays with the site."),
                code="picture_in_use",
            )
        picture.delete()


def pictures_prune(*, now: datetime | None = None) -> int:
    """Delete pictures that were attached a week ago and never sent. How many."""
    before = (now or timezone.now()) - UNUSED_KEPT
    return _unused().filter(created_at__lt=before).delete()[0]


def _unused() -> QuerySet[Picture]:
    return Picture.objects.filter(~Exists(RunPicture.objects.filter(picture=OuterRef("pk"))))


def pictures_attached(*, user: User, site: Site, images: Sequence[str]) -> list[Picture]:
    """The pictures of a request, each once, in their order; without their bytes.

    images: ids of the site's pictures, or `data:` URLs, which are stored as pictures first.
    Raises InvalidInput (too many, not understood), NotFound (also for another's picture), and
    what `picture_add` raises.
    """
    _refuse_too_many(images)
    found: dict[UUID, Picture] = {}
    for number, image in enumerate(images, start=1):
        picture = _attached(user, site, image, number)
        found.setdefault(picture.pk, picture)
    return list(found.values())


def pictures_for_run(
    *, user: User, site: Site, model: AIModel, images: Sequence[str], latest: Version | None
) -> list[Picture]:
    """The pictures of a run of `model` that starts from `latest`; [] and no query for none.

    Raises InvalidInput `model_not_vision` before anything is stored, TooLarge where the site has
    no room for them, and what `pictures_attached` raises.
    """
    if not images:
        return []
    if not model.vision:
        raise _blind(model)
    pictures = pictures_attached(user=user, site=site, images=images)
    _refuse_no_room(pictures, latest)
    return pictures


def pictures_estimated(
    *, user: User, site: Site | None, model: AIModel, images: Sequence[str]
) -> list[SentPicture]:
    """The sizes of the pictures of a request that is not sent yet. Stores nothing.

    Raises as `pictures_for_run` does, for what ids and the headers of files show.
    """
    if not images:
        return []
    if not model.vision:
        raise _blind(model)
    _refuse_too_many(images)
    sizes: dict[str, SentPicture] = {}
    most_bytes = limits_of(user).upload_bytes
    for number, image in enumerate(images, start=1):
        if _is_data_url(image):
            size = picture_size(picture_of_data_url(image), most_bytes=most_bytes)
            sizes[image] = SentPicture(picture_path(f"picture-{number}.jpg"), *size)
        else:
            picture = _picture_by_id(user, site, image)
            sizes[str(picture.pk)] = sent_picture(picture, with_bytes=False)
    return list(sizes.values())


def _blind(model: AIModel) -> InvalidInput:
    rows = [row for row in models_listed() if row.model.vision and row.availability.available]
    able = [row.model for row in rows]
    return InvalidInput(
        _("%(model)s can not see pictures. Nothing was charged. Choose one that can: %(models)s.")
        % {"model": model.name, "models": ", ".join(one.name for one in able[:8]) or "—"},
        code="model_not_vision",
        visionModels=[one.slug for one in able],
    )


def _refuse_no_room(pictures: Sequence[Picture], latest: Version | None) -> None:
    """Before anything is paid for: the version that will be stored must hold them."""
    new = {picture_path(picture.name): picture.size_bytes for picture in pictures}
    there = dict(latest.files.values_list("path", "blob__size_bytes")) if latest else {}
    after = {**there, **new}
    size = sum(size for path, size in after.items() if is_picture_path(path))
    if size > MAX_PICTURES_BYTES or len(after) > MAX_FILES:
        raise TooLarge(
            _(
                "The site has no room for more pictures: %(most)d MB of them and %(files)d files"
                " are the most. Nothing was charged. Attach fewer or smaller ones."
            )
            % {"most": MAX_PICTURES_BYTES // (1024 * 1024), "files": MAX_FILES},
            code="site_too_large",
        )


def _attached(user: User, site: Site, image: str, number: int) -> Picture:
    if not _is_data_url(image):
        return _picture_by_id(user, site, image)
    data = picture_of_data_url(image)
    return picture_add(user=user, site=site, data=data, name=f"picture-{number}")


def _is_data_url(image: str) -> bool:
    return image[:5].lower() == "data:"


def _picture_by_id(user: User, site: Site | None, image: str) -> Picture:
    try:
        picture_id = UUID(image)
    except ValueError:
        raise InvalidInput(
            _("An image is the id of a picture of this site, or a data: URL. Nothing was charged."),
            code="invalid_image",
        ) from None
    if site is None:
        raise NotFound(_("There is no such picture."))
    return picture_get(user=user, site_id=site.pk, picture_id=picture_id)


def _refuse_too_many(images: Sequence[str]) -> None:
    if len(images) > PICTURES_MOST:
        raise InvalidInput(
            _("A request takes %(most)d pictures at most. Nothing was charged. Remove some.")
            % {"most": PICTURES_MOST},
            code="too_many_images",
        )


def picture_of_data_url(url: str) -> bytes:
    """The bytes of a base64 `data:` URL (RFC 2397). Raises InvalidInput.

    Its media type is not believed: the bytes say what they are.
    """
    head, comma, encoded = url.partition(",")
    try:
        if not comma or not head.lower().endswith(";base64"):
            raise ValueError(head[:40])
        return base64.b64decode(encoded.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        raise InvalidInput(
            _("The data: URL of an image is not valid base64. Nothing was charged."),
            code="invalid_image",
        ) from None


def run_pictures_save(run: Run, pictures: Iterable[Picture]) -> None:
    """Keep which pictures are sent with `run`, in their order. Joins the caller's transaction;
    no query for none."""
    RunPicture.objects.bulk_create(
        RunPicture(run=run, picture=picture, position=position)
        for position, picture in enumerate(pictures, start=1)
    )
