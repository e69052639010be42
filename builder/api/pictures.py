"""Pictures of a site: attached to its requests, files of its versions from then on."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from ninja import File, Router, Status
from ninja.files import UploadedFile

from accounts.api_schema import ApiSchema
from accounts.http import AuthenticatedHttpRequest
from builder.downloads import picture_response
from builder.selectors.pictures import picture_as_dict, picture_get
from builder.selectors.sites import site_owned
from builder.services.pictures import picture_delete, picture_upload

router = Router(tags=["pictures"], by_alias=True)


class PictureOut(ApiSchema):
    """width, height: pixels, upright. The site's versions have it at `images/<name>`."""

    id: UUID
    name: str
    media_type: str
    width: int
    height: int
    size_bytes: int
    url: str


@router.post("/sites/{uuid:site_id}/pictures", response={201: PictureOut})
def add_picture(request: AuthenticatedHttpRequest, site_id: UUID, file: File[UploadedFile]) -> Any:
    """A PNG, JPEG or WebP for the requests of this site. It is turned upright, scaled to at most
    1,568 pixels, encoded anew without its metadata; the same picture again is the same one."""
    site = site_owned(user=request.user, site_id=site_id)
    picture = picture_upload(user=request.user, site=site, file=file)
    return Status(201, picture_as_dict(picture))


@router.get("/sites/{uuid:site_id}/pictures/{uuid:picture_id}")
def get_picture(request: AuthenticatedHttpRequest, site_id: UUID, picture_id: UUID) -> HttpResponse:
    """The picture's bytes."""
    return picture_response(picture_get(user=request.user, site_id=site_id, picture_id=picture_id))


@router.delete("/sites/{uuid:site_id}/pictures/{uuid:picture_id}", response={204: None})
def delete_picture(request: AuthenticatedHttpRequest, site_id: UUID, picture_id: UUID) -> Any:
    """Refused with 409 once a run was sent with it: the site's versions may show it."""
    picture_delete(user=request.user, site_id=site_id, picture_id=picture_id)
    return Status(204, None)
