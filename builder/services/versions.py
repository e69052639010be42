"""Writes on versions. A version never changes and never goes away: restoring makes a new one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from builder.models import Blob, Site, Version, VersionFile
from builder.pictures import is_picture_path
from builder.reply.paths import UnsafePath, clean_path, collision
from builder.selectors.sites import version_files, version_of_site
from builder.services.sites import site_lock
from config.errors import Conflict, InvalidInput, TooLarge
from config.prepared import PreparedInsert, PreparedUpdate, slot

_VERSION = PreparedInsert(Version)
_BLOB = PreparedInsert(Blob)
_FILE = PreparedInsert(VersionFile)
_TOUCH = PreparedUpdate(
    lambda: Site.objects.filter(pk=slot(Site, "id")), updated_at=slot(Site, "updated_at")
)

MAX_FILES = 100
MAX_FILE_BYTES = 1024 * 1024
MAX_VERSION_BYTES = 5 * 1024 * 1024
# Beside the text: some thirty photographs as they are stored.
MAX_PICTURES_BYTES = 10 * 1024 * 1024
SUMMARY_MAX_CHARACTERS = 200


def version_create(
    *,
    site: Site,
    files: Mapping[str, str | bytes],
    origin: str,
    parent: Version | None = None,
    summary: str = "",
    changed_paths: Iterable[str] | None = None,
    on_top_of_parent: bool = False,
) -> Version:
    """Stores `files` (path → content, the whole site) as the site's next version.

    Joins the caller's transaction and locks the site's row until that ends, so numbers have no
    gaps or doubles however many writers there are. `changed_paths`: what differs from `parent`;
    found out when None. Bytes at the path of a picture are one; all else is text.
    `on_top_of_parent`: the caller holds the lock and has read `parent` under
    it as the site's latest (None: there is none), so neither is done again. Raises InvalidInput
    (no files, a bad path) or TooLarge; then nothing is written.
    """
    contents = _checked(files)
    with transaction.atomic():
        locked, last = _top_of(site, parent, known=on_top_of_parent)
        changed = _changed(parent, contents) if changed_paths is None else sorted(changed_paths)
        version = Version(
            site=locked,
            number=last + 1,
            origin=origin,
            parent=parent,
            summary=_one_line(summary),
            changed_paths=changed,
        )
        _VERSION.run(version)
        _files_store(version, contents)
        site.updated_at = timezone.now()
        _TOUCH.run(id=locked.pk, updated_at=site.updated_at)
    return version


def _top_of(site: Site, parent: Version | None, *, known: bool) -> tuple[Site, int]:
    """The locked site and its latest version's number, 0 for none."""
    if known:
        return site, parent.number if parent else 0
    locked = site_lock(site)
    return locked, Version.objects.filter(site=locked).aggregate(last=Max("number"))["last"] or 0


def version_restore(*, site: Site, number: int) -> Version:
    """The files of version `number` as a new version on top. Raises NotFound, Conflict (latest)."""
    with transaction.atomic():
        locked = site_lock(site)
        old = version_of_site(site=locked, number=number)
        latest = locked.versions.first()
        if latest is not None and latest.number == number:
            raise Conflict(
                _("Version %(number)d is already the latest one. Nothing was changed.")
                % {"number": number},
                code="already_latest",
            )
        return version_create(
            site=locked,
            files=version_files(old),
            origin=Version.Origin.RESTORE,
            parent=latest,
            summary=_("Version %(number)d again") % {"number": number},
        )


def version_edit(
    *,
    site: Site,
    files: Mapping[str, str],
    removed: Iterable[str] = (),
    base_number: int | None = None,
    summary: str = "",
) -> Version:
    """A hand edit: `files` written over the latest version, `removed` taken out of it.

    `base_number` is the version the person looked at; when another one has come on top since,
    Conflict (code `stale_version`) and nothing is written. Raises InvalidInput when it changes
    nothing or removes what is not there.
    """
    with transaction.atomic():
        locked = site_lock(site)
        latest = locked.versions.first()
        _refuse_stale(latest, base_number)
        before = version_files(latest) if latest else {}
        after = _edited(before, files, removed)
        if after == before:
            raise InvalidInput(
                _("This is the same as the latest version. Nothing was stored."),
                code="nothing_changed",
            )
        return version_create(
            site=locked,
            files=after,
            origin=Version.Origin.HAND,
            parent=latest,
            summary=summary or _edit_summary(before, after),
        )


def _refuse_stale(latest: Version | None, base_number: int | None) -> None:
    latest_number = latest.number if latest else 0
    if base_number is not None and base_number != latest_number:
        raise Conflict(
            _(
                "Version %(latest)d was stored after you opened version %(base)d. Nothing was"
                " changed: reload, and make your edit on the latest version."
            )
            % {"latest": latest_number, "base": base_number},
            code="stale_version",
            latestVersion=latest_number,
        )


def _edited(
    before: Mapping[str, bytes], files: Mapping[str, str], removed: Iterable[str]
) -> dict[str, bytes]:
    after = dict(before)
    for raw in removed:
        path = raw if is_picture_path(raw) else _clean(raw)
        if after.pop(path, None) is None:
            raise InvalidInput(
                _("“%(path)s” is not in the latest version.") % {"path": path}, code="no_such_file"
            )
    written: dict[str, bytes] = {}
    for raw, text in files.items():
        path = _clean(raw)
        if path in written:
            raise _twice(path)
        written[path] = _encoded(path, text)
    return {**after, **written}


def _edit_summary(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    paths = sorted(p for p in {*before, *after} if before.get(p) != after.get(p))
    shown = ", ".join(paths[:3]) + (" …" if len(paths) > 3 else "")
    return _("Edited %(paths)s") % {"paths": shown}


def _checked(files: Mapping[str, str | bytes]) -> dict[str, bytes]:
    """Normalised paths and bytes within the limits, or the reason why not."""
    if not files:
        raise InvalidInput(_("A version needs at least one file."), code="no_files")
    if len(files) > MAX_FILES:
        raise TooLarge(
            _("A site can have %(most)d files, this has %(count)d. Nothing was stored.")
            % {"most": MAX_FILES, "count": len(files)},
            code="too_many_files",
        )
    contents: dict[str, bytes] = {}
    for raw, content in files.items():
        is_picture = isinstance(content, bytes) and is_picture_path(raw)
        path = raw if is_picture else _clean(raw)
        other = path if path in contents else collision(path, contents)
        if other is not None:
            raise _twice(path, other)
        contents[path] = _encoded(path, content)
        if len(contents[path]) > MAX_FILE_BYTES:
            raise TooLarge(
                _("“%(path)s” is larger than %(most)d KB. Nothing was stored.")
                % {"path": path, "most": MAX_FILE_BYTES // 1024},
                code="file_too_large",
            )
    _refuse_too_large(contents)
    return contents


def _refuse_too_large(contents: Mapping[str, bytes]) -> None:
    pictures = sum(len(content) for path, content in contents.items() if is_picture_path(path))
    if sum(map(len, contents.values())) - pictures > MAX_VERSION_BYTES:
        raise TooLarge(
            _("The site is larger than %(most)d MB. Nothing was stored.")
            % {"most": MAX_VERSION_BYTES // (1024 * 1024)},
            code="site_too_large",
        )
    if pictures > MAX_PICTURES_BYTES:
        raise TooLarge(
            _("The site's pictures are larger than %(most)d MB. Nothing was stored.")
            % {"most": MAX_PICTURES_BYTES // (1024 * 1024)},
            code="site_too_large",
        )


def _clean(raw: str) -> str:
    try:
        return clean_path(raw)
    except UnsafePath as refused:
        raise InvalidInput(refused.message, code=refused.code) from None


def _twice(path: str, other: str | None = None) -> InvalidInput:
    return InvalidInput(
        _("“%(path)s” and “%(other)s” would be the same file on some systems.")
        % {"path": path, "other": other or path},
        code="path_twice",
    )


def _encoded(path: str, content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return content.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            _("“%(path)s” has characters that are not valid text.") % {"path": path},
            code="not_text",
        ) from None


def _one_line(summary: str) -> str:
    printable = "".join(c if c.isprintable() else " " for c in summary)
    line = " ".join(printable.split())
    if len(line) <= SUMMARY_MAX_CHARACTERS:
        return line
    return line[: SUMMARY_MAX_CHARACTERS - 1] + "…"


def _changed(parent: Version | None, contents: Mapping[str, bytes]) -> list[str]:
    before: dict[str, str] = {}
    if parent is not None:
        before = dict(parent.files.values_list("path", "blob__sha256"))
    after = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return sorted(p for p in {*before, *after} if before.get(p) != after.get(p))


def _files_store(version: Version, contents: Mapping[str, bytes]) -> None:
    digests = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    by_digest = {digests[path]: content for path, content in contents.items()}
    blob_ids: dict[str, int] = {}
    if version.number > 1:  # else the site has no blobs yet
        known = Blob.objects.filter(site_id=version.site_id, sha256__in=by_digest)
        blob_ids = dict(known.values_list("sha256", "pk"))
    # The lock on the site keeps other writers out, so what is missing here stays missing.
    for digest, content in by_digest.items():
        if digest not in blob_ids:
            blob = Blob(
                site_id=version.site_id, sha256=digest, content=content, size_bytes=len(content)
            )
            _BLOB.run(blob)
            blob_ids[digest] = blob.pk
    for path, digest in sorted(digests.items()):
        _FILE.run(VersionFile(version=version, path=path, blob_id=blob_ids[digest]))
