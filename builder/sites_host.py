"""The sites' own hosts: `<label>.<SITES_DOMAIN>` is answered here, and nothing else of the app.

First of all middleware, so that no session is opened, no cookie read or set, and no page of the
app can be reached under a name where a generated script runs. Everything served here is hostile
until proven otherwise and leaves with the headers of `_contain`; `docs/preview.md` has the why.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.utils import translation

from builder import sites_pages
from builder.preview import app_origins, in_development, sites_hostname

logger = logging.getLogger(__name__)

SANDBOX = "sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"
_SOURCES = "'self' data: blob:"
_CONTENT_POLICY = (
    f"default-src {_SOURCES} 'unsafe-inline' 'unsafe-eval'; "
    f"img-src {_SOURCES} https:; media-src {_SOURCES} https:; "
    f"connect-src {_SOURCES}; frame-src {_SOURCES}; worker-src {_SOURCES}; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
# Those that Chromium knows: it warns in the console of every page about any other name.
_POWERS = (
    "accelerometer autoplay browsing-topics camera clipboard-read clipboard-write"
    " compute-pressure display-capture encrypted-media fullscreen gamepad geolocation gyroscope"
    " hid identity-credentials-get idle-detection keyboard-map local-fonts magnetometer"
    " microphone midi otp-credentials payment picture-in-picture publickey-credentials-create"
    " publickey-credentials-get screen-wake-lock serial storage-access usb window-management"
    " xr-spatial-tracking"
)
_PERMISSIONS_POLICY = ", ".join(f"{power}=()" for power in _POWERS.split())
# Two labels under which others register names: `a.co.uk` and `b.co.uk` are strangers.
_SHARED_SUFFIXES = frozenset(
    f"{second}.{country}"
    for country in ("uk", "jp", "cn", "au", "nz", "br", "in", "kr", "tw", "hk", "sg", "za", "tr")
    for second in ("co", "com", "org", "net", "ac", "gov", "edu", "or", "ne")
)


class SitesHostMiddleware:
    """Serves the sites' hosts and passes every other host on, in sync and in async chains."""

    sync_capable = True
    async_capable = True

    def __init__(
        self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]
    ) -> None:
        refuse_shared_site()
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        label = label_of(request)
        if label is None:
            return self.get_response(request)
        if iscoroutinefunction(self):
            return sync_to_async(serve, thread_sensitive=True)(request, label)
        return serve(request, label)


def label_of(request: HttpRequest) -> str | None:
    """What stands before the sites' domain in the Host header; None on a host of the app.

    Not `get_host()`: ALLOWED_HOSTS lists the app's hosts and need not know these.
    """
    host = request.META.get("HTTP_HOST", "").lower()
    hostname = host.partition(":")[0].rstrip(".")
    domain = sites_hostname()
    if hostname.endswith(f".{domain}"):
        return str(hostname.removesuffix(f".{domain}"))
    # The bare domain serves nothing, except in development where it is the app's own.
    return "" if hostname == domain and not in_development() else None


def serve(request: HttpRequest, label: str) -> HttpResponse:
    """The answer of a sites' host, whatever happens: contained, cookieless, never a stack trace."""
    request.META.pop("HTTP_COOKIE", None)
    response: HttpResponse
    with translation.override(translation.get_language_from_request(request)):
        if _must_be_secure(request):
            response = HttpResponsePermanentRedirect(
                f"https://{request.META['HTTP_HOST']}{request.get_full_path()}"
            )
        else:
            response = _answer(request, label)
    _contain(response, request)
    return response


def refuse_shared_site() -> None:
    """In production the process does not start while app and sites share a registrable domain."""
    domain = sites_hostname()
    hosts = [host.lstrip(".") for host in settings.ALLOWED_HOSTS]
    shared = [host for host in hosts if _registrable(host) == _registrable(domain)]
    if in_development() or not shared:
        return
    raise ImproperlyConfigured(
        f"SITES_DOMAIN ({domain}) shares a site with {', '.join(shared)} of ALLOWED_HOSTS."
        " Generated sites run scripts that we did not write: register another domain for them."
    )


def _registrable(hostname: str) -> str:
    """The last two labels, or three under a suffix like co.uk: errs on the side of refusing."""
    labels = hostname.lower().rstrip(".").split(".")
    return ".".join(labels[-3:] if ".".join(labels[-2:]) in _SHARED_SUFFIXES else labels[-2:])


def _answer(request: HttpRequest, label: str) -> HttpResponse:
    try:
        return sites_pages.respond(request, label)
    except Exception:
        # The last line of defence: Django's own error page would leave without these headers.
        logger.exception("preview_failed")
        return sites_pages.page_broken()


def _must_be_secure(request: HttpRequest) -> bool:
    return settings.SECURE_SSL_REDIRECT and not request.is_secure()


def _contain(response: HttpResponse, request: HttpRequest) -> None:
    ancestors = " ".join(["'self'", *app_origins()])
    headers = {
        "Content-Security-Policy": f"{SANDBOX}; {_CONTENT_POLICY}; frame-ancestors {ancestors}",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": _PERMISSIONS_POLICY,
        "X-Robots-Tag": "noindex, nofollow",
        # The sandbox gives pages an opaque origin, so their own fonts, modules and fetches are
        # cross-origin. The capability in the name is the access control; there are no cookies.
        "Access-Control-Allow-Origin": "*",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    for name, value in headers.items():
        response[name] = value
    response.cookies.clear()
