"""Whole websites, chosen and filled from a request."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from emulators.ai.catalog import Detail


@dataclass(frozen=True)
class Site:
    """A finished site: its name and its files by path."""

    name: str
    files: dict[str, str]


def build_site(
    request: str, *, model_id: str, detail: Detail, images: int = 0, room: int = 100_000
) -> Site:
    """Build the site that a request asks for."""
    words = escape(" ".join(request.split()))
    html = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<title>New site</title>\n<link rel="stylesheet" href="style.css">\n</head>\n'
        f"<body>\n<h1>New site</h1>\n<p>{words}</p>\n</body>\n</html>\n"
    )
    css = ":root {\n  --bg: #fff;\n  --accent: #0f6f6a;\n}\nbody { background: var(--bg); }\n"
    return Site("New site", {"index.html": html, "style.css": css})
