"""From uploaded bytes to a picture that is ours: looked at before it is decoded, decoded by
Pillow, turned upright, scaled down and encoded anew, so that nothing of the file stays but what
can be seen.
"""

from __future__ import annotations

import io
import logging
import threading
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from PIL import Image

from builder.pictures.colours import in_srgb
from builder.pictures.headers import JPEG, PNG, WEBP, kind_of, webp_animated, webp_size
from config.errors import DomainError, InvalidInput, TooLarge

logger = logging.getLogger(__name__)

PICTURES_MOST = 4
PIXELS_MOST = 40_000_000
SIDE_LEAST_PX = 16
# What Anthropic's models look at; the others scale down to less.
SIDE_MOST_PX = 1_568
# A file of a site has at most 1 MiB.
ENCODED_BYTES_MOST = 1_000_000
JPEG_QUALITY = 85
# Drawings, logos and screenshots have few; a photograph of any size has more.
FEW_COLOURS = 4_096
# Progressive pictures have about ten. Each costs as much as decoding the picture once.
JPEG_SCANS_MOST = 64
# EXIF's note of how the camera was held, and what makes the picture upright again.
ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_ITS_SIDE = (5, 6, 7, 8)
# Decoding 40 megapixels takes up to 160 MB: not by all threads of a process at once.
_decoding = threading.BoundedSemaphore(2)


class UnsupportedPicture(DomainError):
    code = "unsupported_media_type"
    status = 415
    title = "This kind of file is not taken"


@dataclass(frozen=True, slots=True)
class CleanPicture:
    """A picture as it is stored and sent. width, height: pixels, upright."""

    media_type: str
    width: int
    height: int
    content: bytes = field(repr=False)


def picture_read(data: bytes, *, most_bytes: int) -> CleanPicture:
    """Verify and re-encode `data`. Equal bytes give equal pictures.

    Raises TooLarge (more than `most_bytes`), UnsupportedPicture (not a still PNG, JPEG or WebP),
    InvalidInput (broken, too many pixels, too small). Nothing else, whatever the bytes.
    """
    kind = _checked_kind(data, most_bytes)
    with _decoding:
        try:
            picture = _upright(_opened(data, kind))
            return _encoded(picture, photo=kind == JPEG)
        except DomainError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever broken bytes lead Pillow's readers to
            logger.info("A picture could not be read: %s", type(error).__name__)
            raise _broken() from None


def picture_size(data: bytes, *, most_bytes: int) -> tuple[int, int]:
    """(width, height) that `picture_read` would give at most, without decoding. Raises as it does,
    for what the header shows."""
    kind = _checked_kind(data, most_bytes)
    try:
        opened = _opened(data, kind)
        width, height = opened.size
        # Of a PNG it may stand behind the pixels: looking for it would decode them.
        if kind != PNG and opened.getexif().get(ORIENTATION) in _ON_ITS_SIDE:
            width, height = height, width
    except DomainError:
        raise
    except Exception:  # noqa: BLE001 - as above
        raise _broken() from None
    scale = min(1.0, SIDE_MOST_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _checked_kind(data: bytes, most_bytes: int) -> str:
    if not data:
        raise InvalidInput(_("The file is empty. Nothing was stored."), code="picture_broken")
    if len(data) > most_bytes:
        raise picture_too_large(most_bytes)
    kind = kind_of(data)
    if kind not in (JPEG, PNG, WEBP):
        raise UnsupportedPicture(_refusal_of(kind))
    if kind == WEBP:
        _refuse_webp(data)
    if kind == JPEG and data.count(b"\xff\xda") > JPEG_SCANS_MOST:
        raise _broken()
    return kind


def picture_too_large(most_bytes: int) -> TooLarge:
    """The refusal of a file with more than `most_bytes`; 0: this person may attach none."""
    if not most_bytes:
        return TooLarge(
            _("Pictures are switched off for your account. Nothing was stored. Write to us."),
            code="pictures_off",
        )
    return TooLarge(
        _("The picture is larger than %(most)s MB. Nothing was stored. Make it smaller.")
        % {"most": f"{most_bytes / (1024 * 1024):.1f}".removesuffix(".0")},
        code="picture_too_large",
    )


def _refusal_of(kind: str) -> str:
    if kind == "SVG":
        return _(
            "SVG files are not taken, because they can hold scripts. Nothing was stored."
            " Save it as PNG and attach that."
        )
    if kind:
        return _(
            "%(kind)s files are not taken. Nothing was stored."
            " Save it as PNG, JPEG or WebP and attach that."
        ) % {"kind": kind}
    return _("This file is not a PNG, JPEG or WebP picture. Nothing was stored.")


def _refuse_webp(data: bytes) -> None:
    """What has to be refused before Pillow makes room for it."""
    size = webp_size(data)
    if size is None:
        raise _broken()
    if webp_animated(data):
        raise _animated()
    _check_size(*size)


def _opened(data: bytes, kind: str) -> Image.Image:
    """The file's header read by Pillow, within the limits; not decoded yet."""
    picture = Image.open(io.BytesIO(data), formats=(kind,))
    _check_size(*picture.size)
    # Phones put a second picture behind a JPEG (MPO); the first one is what they show.
    if kind != JPEG and getattr(picture, "is_animated", False):
        raise _animated()
    return picture


def _check_size(width: int, height: int) -> None:
    if width * height > PIXELS_MOST:
        raise InvalidInput(
            _(
                "The picture has %(pixels)d megapixels, more than the %(most)d that are taken."
                " Nothing was stored. Make it smaller."
            )
            % {"pixels": -(-width * height // 1_000_000), "most": PIXELS_MOST // 1_000_000},
            code="picture_too_many_pixels",
        )
    scale = min(1.0, SIDE_MOST_PX / max(width, height, 1))
    if min(width, height) * scale < SIDE_LEAST_PX:
        raise InvalidInput(
            _("The picture is too small or too narrow to be seen. Nothing was stored."),
            code="picture_too_small",
        )


def _upright(picture: Image.Image) -> Image.Image:
    """Decoded, scaled and turned as the camera was held: in RGB, RGBA or L, without metadata."""
    turn = _TURNS.get(picture.getexif().get(ORIENTATION, 1))
    picture = _scaled(_plain(picture), SIDE_MOST_PX)
    picture = in_srgb(picture)
    if turn is not None:
        picture = picture.transpose(turn)
    picture.info = {}
    return picture


def _plain(picture: Image.Image) -> Image.Image:
    """The picture in 8 bits of grey, RGB, RGBA or CMYK, whatever it came in. Decodes."""
    if picture.format in ("JPEG", "MPO"):
        # libjpeg decodes at a half, a quarter or an eighth of the size while it is at it.
        picture.draft(None, (SIDE_MOST_PX * 2, SIDE_MOST_PX * 2))
    picture.load()
    if picture.mode.startswith("I"):  # 16 bits of grey; converting alone would cut, not scale
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.has_transparency_data:
        rgba = picture.convert("RGBA")
        if rgba.getchannel("A").getextrema()[0] != 255:
            return rgba
        return rgba.convert("RGB")
    return picture if picture.mode in ("L", "RGB", "CMYK") else picture.convert("RGB")


def _scaled(picture: Image.Image, side: int) -> Image.Image:
    """Not larger than `side` on its longest side, at least 1 on the other."""
    longest = max(picture.size)
    if longest <= side:
        return picture
    width, height = (max(1, round(length * side / longest)) for length in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)


def _encoded(picture: Image.Image, *, photo: bool) -> CleanPicture:
    """PNG for what has alpha or few colours, else JPEG; smaller until a site can hold it."""
    sharp = picture.mode == "RGBA" or (
        not photo and picture.getcolors(maxcolors=FEW_COLOURS) is not None
    )
    while True:
        content = _bytes_of(picture, sharp=sharp)
        if len(content) <= ENCODED_BYTES_MOST:
            break
        shrink = min(0.9, 0.95 * (ENCODED_BYTES_MOST / len(content)) ** 0.5)
        picture = _scaled(picture, int(max(picture.size) * shrink))
    media_type = "image/png" if sharp else "image/jpeg"
    return CleanPicture(media_type, picture.width, picture.height, content)


def _bytes_of(picture: Image.Image, *, sharp: bool) -> bytes:
    out = io.BytesIO()
    if sharp:
        picture.save(out, "PNG", optimize=False)
    else:
        picture.save(out, "JPEG", quality=JPEG_QUALITY, optimize=True)
    return out.getvalue()


def _broken() -> InvalidInput:
    return InvalidInput(
        _("The picture is broken or incomplete. Nothing was stored. Save it again and retry."),
        code="picture_broken",
    )


def _animated() -> UnsupportedPicture:
    return UnsupportedPicture(
        _("Moving pictures are not taken. Nothing was stored. Attach a still one.")
    )
