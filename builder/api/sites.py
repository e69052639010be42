"""Sites and their versions. Shapes are those of the public contract."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from ninja import Query, Router, Status
from pydantic import Field, StrictInt

from accounts.api_schema import ApiSchema, PlainText
from accounts.http import AuthenticatedHttpRequest
from builder.downloads import file_response, zip_response
from builder.models import Version
from builder.preview import check_url, preview_url
from builder.selectors.sites import (
    NUMBER_MAX,
    ListedSite,
    file_facts,
    files_of_versions,
    site_get,
    sites_of,
    version_get,
    version_sources,
    versions_of,
)
from builder.services.sites import site_create, site_delete, site_rename
from builder.services.versions import MAX_FILES, version_edit, version_restore
from config.errors import InvalidInput

router = Router(tags=["sites"], by_alias=True)

VERSIONS_PER_PAGE = 100


class SiteIn(ApiSchema):
    name: PlainText | None = None


class SiteRenameIn(ApiSchema):
    name: PlainText


class SiteOut(ApiSchema):
    id: UUID
    name: str
    created_at: datetime
    updated_at: datetime
    latest_version: int | None
    url: str


class SiteList(ApiSchema):
    sites: list[SiteOut]


class FileOut(ApiSchema):
    path: str
    size: int
    sha256: str


class VersionOut(ApiSchema):
    id: UUID
    number: int
    origin: str
    parent: int | None
    summary: str
    created_at: datetime
    files: list[FileOut]
    changed: list[str]
    preview_url: str
    check_url: str
    zip_url: str


class VersionList(ApiSchema):
    versions: list[VersionOut]
    next_before: int | None


class ContentOut(ApiSchema):
    number: int
    files: dict[str, str]


class EditedFileIn(ApiSchema):
    path: PlainText
    content: PlainText


class EditIn(ApiSchema):
    files: Annotated[list[EditedFileIn], Field(max_length=MAX_FILES)] = []
    removed: Annotated[list[PlainText], Field(max_length=MAX_FILES)] = []
    base_version: Annotated[StrictInt, Field(ge=0, le=NUMBER_MAX)] | None = None
    summary: PlainText = ""


@router.get("/sites", response=SiteList)
def list_sites(request: AuthenticatedHttpRequest) -> dict[str, Any]:
    """Your sites, the last touched first."""
    return {"sites": [_site_dict(site) for site in sites_of(request.user)]}


@router.post("/sites", response={201: SiteOut})
def create_site(request: AuthenticatedHttpRequest, payload: SiteIn) -> Any:
    """A new site, empty until its first run or hand edit."""
    name = _("New site") if payload.name is None else payload.name
    site = site_create(owner=request.user, name=name)
    return Status(201, _site_dict(site_get(user=request.user, site_id=site.pk)))


@router.get("/sites/{uuid:site_id}", response=SiteOut)
def get_site(request: AuthenticatedHttpRequest, site_id: UUID) -> dict[str, Any]:
    return _site_dict(site_get(user=request.user, site_id=site_id))


@router.patch("/sites/{uuid:site_id}", response=SiteOut)
def rename_site(
    request: AuthenticatedHttpRequest, site_id: UUID, payload: SiteRenameIn
) -> dict[str, Any]:
    site = site_get(user=request.user, site_id=site_id)
    site_rename(site=site, name=payload.name)
    return _site_dict(site)


@router.delete("/sites/{uuid:site_id}", response={204: None})
def delete_site(request: AuthenticatedHttpRequest, site_id: UUID) -> Any:
    """Refused with 409 while a run works on the site."""
    site_delete(site=site_get(user=request.user, site_id=site_id))
    return Status(204, None)


@router.get("/sites/{uuid:site_id}/versions", response=VersionList)
def list_versions(
    request: AuthenticatedHttpRequest,
    site_id: UUID,
    before: Annotated[int, Query(ge=1, le=NUMBER_MAX)] = NUMBER_MAX,
) -> dict[str, Any]:
    """The newest 100 versions, or those below `before`; `nextBefore` asks for the next page."""
    site = site_get(user=request.user, site_id=site_id)
    rows = list(versions_of(site).filter(number__lt=before)[: VERSIONS_PER_PAGE + 1])
    shown = rows[:VERSIONS_PER_PAGE]
    files = files_of_versions(shown)
    return {
        "versions": [_version_dict(version, files[version.pk]) for version in shown],
        "next_before": shown[-1].number if len(rows) > VERSIONS_PER_PAGE else None,
    }


@router.post("/sites/{uuid:site_id}/versions", response={201: VersionOut})
def edit_by_hand(request: AuthenticatedHttpRequest, site_id: UUID, payload: EditIn) -> Any:
    """Files written over the latest version, and files removed, as a new version.

    With `baseVersion`, 409 when another version has come on top of it (0: when there is any).
    """
    version = version_edit(
        site=site_get(user=request.user, site_id=site_id),
        files=_once_each(payload.files),
        removed=payload.removed,
        base_number=payload.base_version,
        summary=payload.summary,
    )
    return Status(201, _stored(version))


@router.get("/sites/{uuid:site_id}/versions/{int:number}.zip")
def download_zip(request: AuthenticatedHttpRequest, site_id: UUID, number: int) -> HttpResponse:
    """The version as a zip."""
    return zip_response(version_get(user=request.user, site_id=site_id, number=number))


@router.get("/sites/{uuid:site_id}/versions/{int:number}", response=VersionOut)
def get_version(request: AuthenticatedHttpRequest, site_id: UUID, number: int) -> dict[str, Any]:
    return _stored(version_get(user=request.user, site_id=site_id, number=number))


@router.get("/sites/{uuid:site_id}/versions/{int:number}/content", response=ContentOut)
def get_content(request: AuthenticatedHttpRequest, site_id: UUID, number: int) -> dict[str, Any]:
    """All text files, in one answer: what an editor opens. Pictures are left out."""
    version = version_get(user=request.user, site_id=site_id, number=number)
    texts, _pictures = version_sources(version)
    return {"number": number, "files": texts}


@router.get("/sites/{uuid:site_id}/versions/{int:number}/files/{path:path}")
def get_file(
    request: AuthenticatedHttpRequest, site_id: UUID, number: int, path: str
) -> HttpResponse:
    """The file's own bytes and type, as an attachment."""
    version = version_get(user=request.user, site_id=site_id, number=number)
    return file_response(version, path)


@router.post("/sites/{uuid:site_id}/versions/{int:number}/restore", response={201: VersionOut})
def restore_version(request: AuthenticatedHttpRequest, site_id: UUID, number: int) -> Any:
    """The files of this version as a new one on top; nothing is lost."""
    site = site_get(user=request.user, site_id=site_id)
    return Status(201, _stored(version_restore(site=site, number=number)))


def _once_each(edited: Iterable[EditedFileIn]) -> dict[str, str]:
    files: dict[str, str] = {}
    for file in edited:
        if file.path in files:
            raise InvalidInput(
                _("“%(path)s” is there twice. Nothing was stored.") % {"path": file.path[:80]},
                code="path_twice",
            )
        files[file.path] = file.content
    return files


def _site_dict(site: ListedSite) -> dict[str, Any]:
    return {
        "id": site.pk,
        "name": site.name,
        "created_at": site.created_at,
        "updated_at": site.updated_at,
        "latest_version": site.latest_number,
        "url": reverse("builder:workspace", args=[site.pk]),
    }


def _stored(version: Version) -> dict[str, Any]:
    return _version_dict(version, file_facts(version))


def _version_dict(version: Version, files: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": version.pk,
        "number": version.number,
        "origin": version.origin,
        "parent": version.parent.number if version.parent else None,
        "summary": version.summary,
        "created_at": version.created_at,
        "files": files,
        "changed": version.changed_paths,
        "preview_url": preview_url(version),
        "check_url": check_url(version),
        "zip_url": f"/api/sites/{version.site_id}/versions/{version.number}.zip",
    }
