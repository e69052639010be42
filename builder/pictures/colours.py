"""Colours as they were meant, once the file's own profile is gone.

A photograph of a modern phone is in Display P3, a print in CMYK: without their profile the numbers
would be read as sRGB, and look pale or garish. What was in sRGB stays as it is, to the bit.
"""

from __future__ import annotations

import io
import logging

from PIL import Image, ImageCms

logger = logging.getLogger(__name__)

# Those of printing presses have two megabytes; more is no profile that anybody needs.
PROFILE_BYTES_MOST = 4_000_000
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def in_srgb(picture: Image.Image) -> Image.Image:
    """The picture (L, RGB, RGBA or CMYK) in L, RGB or RGBA, by the profile that it carries.

    A profile that makes no sense, or is of another kind than the picture, is left out.
    """
    profile = picture.info.get("icc_profile")
    converted = None
    if isinstance(profile, bytes) and 0 < len(profile) <= PROFILE_BYTES_MOST:
        converted = _converted(picture, profile)
    if converted is None:
        return picture.convert("RGB") if picture.mode == "CMYK" else picture
    return converted


def _converted(picture: Image.Image, profile: bytes) -> Image.Image | None:
    colours = picture.convert("RGB") if picture.mode == "RGBA" else picture
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(colours, source, _SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        logger.info("A colour profile could not be used: %s", type(error).__name__)
        return None
    if converted is None:
        return None
    if picture.mode == "RGBA":
        converted.putalpha(picture.getchannel("A"))
    return converted.convert("L") if picture.mode == "L" else converted
