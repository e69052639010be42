"""Pictures people attach: verified, re-encoded, named and counted. No database here."""

from builder.pictures.naming import PICTURE_FOLDER, PICTURE_SUFFIXES, is_picture_path
from builder.pictures.reading import (
    PICTURES_MOST,
    CleanPicture,
    UnsupportedPicture,
    picture_read,
    picture_size,
)
from builder.pictures.tokens import picture_tokens

__all__ = [
    "PICTURES_MOST",
    "PICTURE_FOLDER",
    "PICTURE_SUFFIXES",
    "CleanPicture",
    "UnsupportedPicture",
    "is_picture_path",
    "picture_read",
    "picture_size",
    "picture_tokens",
]
