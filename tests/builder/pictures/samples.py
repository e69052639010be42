"""Pictures for tests, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def photo(width: int = 320, height: int = 200, kind: str = "JPEG", **options: Any) -> bytes:
    """Smooth colours, as a photograph has; far more than few."""
    bands = [Image.linear_gradient("L"), Image.radial_gradient("L"), Image.linear_gradient("L")]
    bands[2] = bands[2].transpose(Image.Transpose.ROTATE_90)
    return encoded(Image.merge("RGB", bands).resize((width, height)), kind, **options)


def logo(colour: str = "#c0392b", size: tuple[int, int] = (120, 80), kind: str = "PNG") -> bytes:
    """One colour all over."""
    return encoded(Image.new("RGB", size, colour), kind)


def decoded(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def pixel(picture: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    found = picture.getpixel(at)
    return found if isinstance(found, tuple) else (int(found or 0),)


def png_of(width: int, height: int, pixels: bytes = b"", *, depth: int = 8) -> bytes:
    """A PNG that says it has `width` × `height` grey pixels, whatever its data has."""
    head = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(pixels)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
