"""Understanding a follow-up request and making the change it asks for."""

from __future__ import annotations

from html import escape

from emulators.ai.edits.change import Change


def change_site(request: str, files: dict[str, str]) -> Change:
    """The change that a request asks of these files."""
    change = Change(files, summary="a note with your words")
    path = "index.html" if "index.html" in files else next(iter(files))
    lines = files[path].splitlines()
    place = next((i for i, line in enumerate(lines) if "</body>" in line), len(lines) - 1)
    change.insert_before(path, place, f"<section><p>{escape(request)}</p></section>")
    return change
