"""A version as a zip: made by us, from names we checked, the same bytes every time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from builder.pictures import is_picture_path
from builder.reply.paths import clean_path

# The earliest date a zip can hold: the archive must not differ from day to day.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REGULAR_FILE_0644 = 0o100644 << 16


def version_zip(files: Mapping[str, bytes]) -> bytes:
    """All files at their paths. In memory: a version is bounded by `services.versions`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path in sorted(files):
            # Checked when stored; checked again because a zip is opened on other machines.
            checked = path if is_picture_path(path) else clean_path(path)
            entry = zipfile.ZipInfo(checked, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR_FILE_0644
            archive.writestr(entry, files[path])
    return buffer.getvalue()


def zip_name(site_name: str, number: int) -> str:
    """What the download is called: letters and digits of the site's name, never a path."""
    stem = "".join(c if c.isalnum() else "-" for c in site_name.lower())
    stem = "-".join(part for part in stem.split("-") if part)[:60] or "site"
    return f"{stem}-v{number}.zip"
