"""Reads on sites and versions. Everything fetched for a person takes the person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypedDict
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils.translation import gettext as _
from django_stubs_ext import WithAnnotations

from accounts.models import User
from builder.models import Site, Version, VersionFile
from builder.pictures import PICTURE_FOLDER, is_picture_path
from config.errors import NotFound
from config.prepared import PreparedSelect, slot

# What PostgreSQL's integer holds; a larger number in a URL is no version, not an error.
NUMBER_MAX = 2**31 - 1


class LatestVersion(TypedDict):
    latest_number: int | None
    latest_id: UUID | None


# Read at every start of a run.
_OWNED = PreparedSelect(
    lambda: Site.objects.filter(
        pk=slot(Site, "id"), owner=slot(Site, "owner"), deleted_at__isnull=True
    )
)
_LATEST = PreparedSelect(lambda: Version.objects.filter(site=slot(Version, "site"))[:1])
_FILES = PreparedSelect(
    lambda: (
        VersionFile.objects.filter(version=slot(VersionFile, "version"))
        .order_by("path")
        .values_list("path", "blob__content")
    )
)

if TYPE_CHECKING:
    ListedSite = WithAnnotations[Site, LatestVersion]
else:
    # At run time the subscript fails on a model that is used as a query's type.
    ListedSite = Site


def sites_of(user: User) -> QuerySet[ListedSite]:
    """The person's sites, last touched first, each with its latest version's number and id."""
    return _listed().filter(owner=user)


def site_get(*, user: User, site_id: UUID | str) -> ListedSite:
    """The person's site. Raises NotFound, also for somebody else's, a deleted one, a bad id."""
    try:
        return sites_of(user).get(pk=UUID(str(site_id)))
    except (ValueError, Site.DoesNotExist):
        raise NotFound(_("There is no such site.")) from None


def site_owned(*, user: User, site_id: UUID) -> Site:
    """The person's site without what listings add to it. Raises NotFound, as `site_get` does."""
    site = _OWNED.first(id=site_id, owner=user.pk)
    if site is None:
        raise NotFound(_("There is no such site."))
    return site


def version_get(*, user: User, site_id: UUID | str, number: int) -> Version:
    """A version of the person's site by its number, with the site. Raises NotFound."""
    return version_of_site(site=site_get(user=user, site_id=site_id), number=number)


def version_of_site(*, site: Site, number: int) -> Version:
    """A version of a site that the caller may see. Raises NotFound."""
    found = (
        Version.objects.select_related("site", "parent").filter(site=site, number=number).first()
        if 0 < number <= NUMBER_MAX
        else None
    )
    if found is None:
        raise NotFound(_("The site has no version %(number)s.") % {"number": number})
    return found


def version_latest(site: Site, *, bare: bool = False) -> Version | None:
    """The newest version. bare: without its site and parent, for services that need neither."""
    if bare:
        return _LATEST.first(site=site.pk)
    return Version.objects.select_related("site", "parent").filter(site=site).first()


def versions_of(site: Site) -> QuerySet[Version]:
    """All versions, the newest first."""
    return Version.objects.filter(site=site).select_related("site", "parent").order_by("-number")


def version_files(version: Version) -> dict[str, bytes]:
    """The whole version: path → bytes, in the order of paths."""
    return {path: bytes(content) for path, content in _FILES.rows(version=version.pk)}


def version_sources(version: Version) -> tuple[dict[str, str], list[str]]:
    """(text files by path, paths of the pictures), in one query that leaves pictures unread.

    What is neither UTF-8 text nor a picture is left out: a model can not be shown it.
    """
    in_folder = Q(path__startswith=f"{PICTURE_FOLDER}/")
    named_as_picture = Q(path__endswith=".jpg") | Q(path__endswith=".png")
    content = Case(When(in_folder & named_as_picture, then=Value(None)), default=F("blob__content"))
    texts: dict[str, str] = {}
    pictures: list[str] = []
    for path, data in version.files.order_by("path").values_list("path", content):
        if is_picture_path(path):
            pictures.append(path)
            continue
        try:
            texts[path] = bytes(data or b"").decode()
        except UnicodeDecodeError:
            continue
    return texts, pictures


def version_file(version: Version, path: str) -> bytes:
    """One file's bytes. Raises NotFound."""
    content = None
    if "\x00" not in path:  # PostgreSQL refuses even to look for it
        content = version.files.filter(path=path).values_list("blob__content", flat=True).first()
    if content is None:
        raise NotFound(
            _("Version %(number)d has no file of that name.") % {"number": version.number}
        )
    return bytes(content)


def file_facts(version: Version) -> list[dict[str, Any]]:
    """[{"path", "size" (bytes), "sha256"}] in the order of paths, without reading any content."""
    return files_of_versions([version])[version.pk]


def files_of_versions(versions: Iterable[Version]) -> dict[UUID, list[dict[str, Any]]]:
    """Version id → what `file_facts` gives, for many versions in one query."""
    facts: dict[UUID, list[dict[str, Any]]] = {version.pk: [] for version in versions}
    rows = VersionFile.objects.filter(version_id__in=facts).order_by("path")
    for version_id, path, size, sha256 in rows.values_list(
        "version_id", "path", "blob__size_bytes", "blob__sha256"
    ):
        facts[version_id].append({"path": path, "size": size, "sha256": sha256})
    return facts


def served_file(*, version_id: UUID, path: str) -> tuple[bytes, str] | None:
    """(bytes, sha256) of a file for the preview, or None: unknown, or the site was deleted.

    Who holds the preview's capability may see it: no person is asked for here.
    """
    if "\x00" in path:
        return None
    row = (
        VersionFile.objects.filter(
            version_id=version_id,
            path=path,
            version__site__deleted_at=None,
            version__site__owner__is_active=True,
        )
        .values_list("blob__content", "blob__sha256")
        .first()
    )
    return (bytes(row[0]), row[1]) if row else None


def served_version_exists(version_id: UUID) -> bool:
    return Version.objects.filter(
        pk=version_id, site__deleted_at=None, site__owner__is_active=True
    ).exists()


def served_site_exists(site_id: UUID) -> bool:
    return Site.objects.filter(pk=site_id, deleted_at=None, owner__is_active=True).exists()


def _listed() -> QuerySet[ListedSite]:
    latest = Version.objects.filter(site=OuterRef("pk")).order_by("-number")
    return Site.objects.filter(deleted_at=None).annotate(
        latest_number=Subquery(latest.values("number")[:1]),
        latest_id=Subquery(latest.values("pk")[:1]),
    )
