"""Files and zips handed to a person: always to be saved, never rendered on the app's origin."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.http import content_disposition_header

from builder.content_types import content_type_of
from builder.models import Picture, Version
from builder.selectors.sites import version_file, version_files
from builder.zip import version_zip, zip_name

# Were a browser to render it all the same, it would do so without scripts, cookies or network.
_CONTAINED = "sandbox; default-src 'none'"


def file_response(version: Version, path: str) -> HttpResponse:
    """One file's own bytes and type as an attachment. Raises NotFound."""
    name = path.rpartition("/")[2]
    return _attachment(version_file(version, path), content_type_of(path), name)


def zip_response(version: Version) -> HttpResponse:
    """The whole version as a zip, the same bytes each time."""
    name = zip_name(version.site.name, version.number)
    return _attachment(version_zip(version_files(version)), "application/zip", name)


def picture_response(picture: Picture) -> HttpResponse:
    """A picture for its owner's own pages; we made its bytes, and they never change."""
    response = HttpResponse(bytes(picture.content), content_type=picture.media_type)
    response["Content-Disposition"] = content_disposition_header(False, picture.name) or "inline"
    response["Content-Security-Policy"] = _CONTAINED
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, max-age=86400, immutable"
    return response


def _attachment(content: bytes, content_type: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["Content-Security-Policy"] = _CONTAINED
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-cache"
    return response
