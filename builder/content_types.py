"""What a site's file is served as. One table: machines differ by their mime.types."""

from __future__ import annotations

# Text types get `charset=utf-8`: files are stored as UTF-8 whatever their <meta> says.
_TEXT = {
    "html": "text/html",
    "htm": "text/html",
    "xhtml": "application/xhtml+xml",
    "css": "text/css",
    "js": "text/javascript",
    "mjs": "text/javascript",
    "cjs": "text/javascript",
    "json": "application/json",
    "jsonld": "application/ld+json",
    "geojson": "application/geo+json",
    "map": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "xml": "application/xml",
    "xsl": "application/xml",
    "rss": "application/rss+xml",
    "atom": "application/atom+xml",
    "webmanifest": "application/manifest+json",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "ics": "text/calendar",
    "vcf": "text/vcard",
    "vtt": "text/vtt",
}
_BINARY = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "mp3": "audio/mpeg",
    "pdf": "application/pdf",
}
_BINARY_UNKNOWN = "application/octet-stream"


def content_type_of(path: str) -> str:
    """The Content-Type of a path; an unknown extension that we store is text."""
    extension = path.rpartition(".")[2].lower()
    if extension in _BINARY:
        return _BINARY[extension]
    if "." not in path:
        return _BINARY_UNKNOWN
    return f"{_TEXT.get(extension, 'text/plain')}; charset=utf-8"
