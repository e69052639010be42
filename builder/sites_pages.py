"""What a sites' host answers: a version's files, the live frame, or a page that says why not."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from builder.content_types import content_type_of
from builder.pictures import PICTURE_FOLDER, is_picture_path
from builder.preview import (
    KIND_CHECK,
    KIND_LIVE_FRAME,
    Capability,
    app_origins,
    label_read,
)
from builder.reply.paths import UnsafePath, clean_path
from builder.selectors.pictures import picture_at
from builder.selectors.sites import served_file, served_site_exists, served_version_exists

PAGE_DIR = Path(__file__).parent / "preview_page"
# No site can have a file here: hidden names are refused when stored.
PROBE_PATH = "/.sitewright/probe.js"
VERSION_CACHE = "private, max-age=86400, immutable"
PAGE_CACHE = "private, max-age=300"

_FRAME_FILES = {f"/{name}": name for name in ("frame.js", "compose.js", "inner.js", "frame.css")}
_HEAD = re.compile(rb"<head(?:\s[^>]*)?>", re.IGNORECASE)
_DOCTYPE = re.compile(rb"\s*<!doctype[^>]*>", re.IGNORECASE)


def respond(request: HttpRequest, label: str) -> HttpResponse:
    """The whole surface of a sites' host: GET and HEAD of what the label permits."""
    if request.method not in ("GET", "HEAD"):
        return _page_no_form()
    capability = label_read(label)
    if capability is None:
        return _page_unknown()
    if capability.expires_at <= timezone.now():
        return _page_expired()
    if request.path_info == PROBE_PATH:
        return _own_file("probe.js")
    if capability.kind == KIND_LIVE_FRAME:
        return _live_frame(request.path_info, capability)
    return _version_file(request, capability)


def page_broken() -> HttpResponse:
    return _page(
        503,
        _("The preview can not be shown right now"),
        _("Nothing of the site is lost. Reload in a moment."),
    )


def _version_file(request: HttpRequest, capability: Capability) -> HttpResponse:
    path = _path_in_site(request.path_info)
    found = path and served_file(version_id=capability.target_id, path=path)
    if not (path and found):
        return _not_in_version(request.path_info, capability)
    content, sha256 = found
    if capability.kind == KIND_CHECK:
        return HttpResponse(
            _with_probe(path, content),
            headers={"Content-Type": content_type_of(path), "Cache-Control": PAGE_CACHE},
        )
    headers = {
        "Content-Type": content_type_of(path),
        "Cache-Control": VERSION_CACHE,
        "ETag": f'"{sha256}"',
    }
    if request.headers.get("If-None-Match") == headers["ETag"]:
        return HttpResponse(status=304, headers=headers)
    return HttpResponse(content, headers=headers)


def _not_in_version(path_info: str, capability: Capability) -> HttpResponse:
    """A folder without its slash is sent on; the site's own 404.html comes before ours."""
    if not served_version_exists(capability.target_id):
        return _page_unknown()
    folder = _path_in_site(f"{path_info}/")
    if folder and served_file(version_id=capability.target_id, path=folder):
        name = path_info.rstrip("/").rpartition("/")[2]
        # Relative, so that no path can turn it into another host ("//evil.example/").
        return HttpResponse(status=301, headers={"Location": f"./{quote(name, safe='')}/"})
    own = served_file(version_id=capability.target_id, path="404.html")
    if own:
        return HttpResponse(own[0], status=404, content_type=content_type_of("404.html"))
    return _page(
        404,
        _("This page is not part of the site"),
        _("The site has no file at this address. Check the link that led here."),
        link=_("To the start page"),
    )


def _path_in_site(path_info: str) -> str | None:
    """The stored path an address means, or None when no site can have it."""
    path = path_info.removeprefix("/")
    if not path or path.endswith("/"):
        path += "index.html"
    if is_picture_path(path):
        return path
    try:
        return clean_path(path)
    except UnsafePath:
        return None


def _with_probe(path: str, content: bytes) -> bytes:
    """An HTML page with the probe as its first script; any other file as it is."""
    if not path.lower().endswith((".html", ".htm")):
        return content
    probe = f'<script src="{PROBE_PATH}"></script>'.encode()
    place = _HEAD.search(content) or _DOCTYPE.match(content)
    at = place.end() if place else 0
    return content[:at] + probe + content[at:]


def _live_frame(path: str, capability: Capability) -> HttpResponse:
    if not served_site_exists(capability.target_id):
        return _page_unknown()
    if path in _FRAME_FILES:
        return _own_file(_FRAME_FILES[path])
    if is_picture_path(path.removeprefix("/")):
        return _live_picture(path.removeprefix(f"/{PICTURE_FOLDER}/"), capability)
    if path != "/":
        return _page(404, _("There is nothing here"), _("This address serves the preview only."))
    markup = (PAGE_DIR / "frame.html").read_text()
    filled = markup.replace("{origins}", escape(" ".join(app_origins())))
    filled = filled.replace("{lang}", escape(translation.get_language() or "en"))
    filled = filled.replace("{waiting}", escape(_("The site paints here as it arrives.")))
    return HttpResponse(filled, headers={"Cache-Control": PAGE_CACHE})


def _live_picture(name: str, capability: Capability) -> HttpResponse:
    """A picture of the site, also one that no version has yet: a page that is being painted asks
    for it by the path it will have."""
    picture = picture_at(site_id=capability.target_id, name=name)
    if picture is None:
        return _page(404, _("There is nothing here"), _("This address serves the preview only."))
    headers = {"Content-Type": picture.media_type, "Cache-Control": PAGE_CACHE}
    return HttpResponse(bytes(picture.content), headers=headers)


def _own_file(name: str) -> HttpResponse:
    headers = {"Content-Type": content_type_of(name), "Cache-Control": PAGE_CACHE}
    return HttpResponse((PAGE_DIR / name).read_bytes(), headers=headers)


def _page_unknown() -> HttpResponse:
    return _page(
        404,
        _("There is no preview at this address"),
        _("The link is incomplete, or the site was deleted. Open the preview from your sites."),
    )


def _page_expired() -> HttpResponse:
    return _page(
        410,
        _("This preview link has ended"),
        _("Preview links last a day. Open the preview again from your sites."),
    )


def _page_no_form() -> HttpResponse:
    response = _page(
        405,
        _("A preview does not receive forms"),
        _("What you typed was not sent anywhere. Go back to see the page again."),
    )
    response["Allow"] = "GET, HEAD"
    return response


def _page(status: int, title: str, text: str, *, link: str = "") -> HttpResponse:
    markup = (PAGE_DIR / "message.html").read_text()
    anchor = f'<p><a href="/">{escape(link)}</a></p>' if link else ""
    words = {
        "{lang}": escape(translation.get_language() or "en"),
        "{title}": escape(title),
        "{text}": escape(text),
        "{link}": anchor,
    }
    for place, value in words.items():
        markup = markup.replace(place, value)
    return HttpResponse(markup, status=status, headers={"Cache-Control": "no-store"})
