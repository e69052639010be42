"""Where a version is seen: the capability in the host name, and the headers that contain it.

`<label>.<SITES_DOMAIN>`: the label itself is the permission (`docs/preview.md`). It holds the
kind, the id, when it ends and a truncated HMAC over all three, so the preview needs no cookie
and no session, and root-absolute links of a site stay inside it.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from builder.models import Site, Version

KIND_VERSION = "v"
KIND_CHECK = "c"
KIND_LIVE_FRAME = "f"
KINDS = (KIND_VERSION, KIND_CHECK, KIND_LIVE_FRAME)
# 96 bits: nobody finds one by trying, and the label stays under the 63 characters DNS allows.
MAC_BYTES = 12
LABEL_CHARACTERS = 52
# Links last 24 to 48 hours, and are the same all day, so that browsers can keep what they got.
LIFETIME_DAYS = 2

_SALT = "builder.preview.capability"


@dataclass(frozen=True, slots=True)
class Capability:
    """What a label lets its holder see.

    `v`: a version's files, byte for byte. `c`: the same with our probe first in every page, for
    the workspace's check. `f`: the live frame of a site.
    """

    kind: str
    target_id: UUID
    expires_at: datetime


def preview_url(version: Version, path: str = "index.html") -> str:
    """The version's own address on the sites' domain, good for at least a day."""
    shown = "" if path == "index.html" else path
    return f"{_origin(KIND_VERSION, version.pk)}/{shown}"


def check_url(version: Version) -> str:
    """The version with the probe in it, which reports errors and emptiness to the workspace."""
    return f"{_origin(KIND_CHECK, version.pk)}/"


def live_frame_url(site: Site) -> str:
    """The page that paints a run while it streams, good for at least a day."""
    return f"{_origin(KIND_LIVE_FRAME, site.pk)}/"


def label_make(kind: str, target_id: UUID, expires_at: datetime) -> str:
    """53 lower-case characters: the kind, then base32 of id, expiry (epoch seconds) and MAC."""
    payload = target_id.bytes + int(expires_at.timestamp()).to_bytes(4, "big")
    mac = next(_macs(kind, payload))
    return kind + _encoded(payload + mac)


def label_read(label: str) -> Capability | None:
    """The capability, or None when the label is not ours. Says nothing on whether it has lapsed."""
    kind, encoded = label[:1], label[1:]
    if kind not in KINDS or len(encoded) != LABEL_CHARACTERS or not encoded.isascii():
        return None
    try:
        raw = base64.b32decode(encoded.upper() + "====")
    except ValueError:
        return None
    payload, mac = raw[:20], raw[20:]
    if _encoded(raw) != encoded:  # spare bits of the last character: one label per capability
        return None
    if not any(hmac.compare_digest(mac, good) for good in _macs(kind, payload)):
        return None
    expires_at = datetime.fromtimestamp(int.from_bytes(payload[16:], "big"), UTC)
    return Capability(kind, UUID(bytes=payload[:16]), expires_at)


def app_origins() -> list[str]:
    """The origins whose pages may frame a preview: ours, and never a generated site's."""
    hosts = [host for host in settings.ALLOWED_HOSTS if host[:1] not in (".", "*", "[")]
    port = _sites_port() if in_development() else ""
    made = [f"{settings.SITES_SCHEME}://{host}{port}" for host in hosts]
    return list(dict.fromkeys([*made, *settings.CSRF_TRUSTED_ORIGINS]))


def in_development() -> bool:
    """Whether app and sites share a machine's localhost. Not DEBUG: test runners switch that."""
    return bool(settings.SITES_SCHEME == "http")


def sites_hostname() -> str:
    """The sites' domain without its port."""
    return settings.SITES_DOMAIN.partition(":")[0].lower().rstrip(".")


def _sites_port() -> str:
    _, colon, port = settings.SITES_DOMAIN.partition(":")
    return colon + port


def _encoded(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _origin(kind: str, target_id: UUID) -> str:
    midnight = timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    label = label_make(kind, target_id, midnight + timedelta(days=LIFETIME_DAYS))
    return f"{settings.SITES_SCHEME}://{label}.{settings.SITES_DOMAIN}"


def _macs(kind: str, payload: bytes) -> Iterator[bytes]:
    """The MAC under the present key first, then under those being rotated out."""
    message = kind + payload.hex()
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        digest = salted_hmac(_SALT, message, secret=key, algorithm="sha256").digest()
        yield digest[:MAC_BYTES]
