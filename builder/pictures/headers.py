"""What a file is and how large it would be decoded, from its first bytes: nothing is decoded.

Only WebP's size is read here: Pillow makes room for the whole picture when it merely opens one.
"""

from __future__ import annotations

from typing import Final

JPEG: Final = "JPEG"
PNG: Final = "PNG"
WEBP: Final = "WEBP"

_SIGNATURES: Final = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"%PDF-", "PDF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"\x00\x00\x01\x00", "ICO"),
)
# https://www.iana.org/assignments/media-types/image/heic and …/avif: brands of the `ftyp` box.
_BRANDS: Final = {
    b"heic": "HEIC",
    b"heix": "HEIC",
    b"hevc": "HEIC",
    b"mif1": "HEIC",
    b"msf1": "HEIC",
    b"avif": "AVIF",
    b"avis": "AVIF",
}


def kind_of(data: bytes) -> str:
    """JPEG, PNG or WEBP; another kind's name; "" for what is none that is known."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return WEBP
    if data[4:8] == b"ftyp":
        return _BRANDS.get(data[8:12], "")
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return kind
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "SVG" if start.startswith((b"<svg", b"<?xml", b"<!doctype svg", b"<!--")) else ""


def webp_size(data: bytes) -> tuple[int, int] | None:
    """(width, height) in pixels as the file's first chunk says, None where it says nothing.

    https://developers.google.com/speed/webp/docs/riff_container
    """
    chunk, head = data[12:16], data[20:30]
    if len(head) < 10:
        return None
    if chunk == b"VP8X":
        return _three_bytes(head[4:7]) + 1, _three_bytes(head[7:10]) + 1
    if chunk == b"VP8L" and head[0] == 0x2F:
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and head[3:6] == b"\x9d\x01\x2a":
        width, height = (int.from_bytes(head[at : at + 2], "little") for at in (6, 8))
        return width & 0x3FFF, height & 0x3FFF
    return None


def webp_animated(data: bytes) -> bool:
    """Whether the extended header says that it moves."""
    return data[12:16] == b"VP8X" and len(data) > 20 and bool(data[20] & 0x02)


def _three_bytes(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
