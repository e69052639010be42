"""A table for people: what was seen in each cell, printed where the test's output is shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def as_table(corner: str, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> str:
    """Markdown, columns aligned."""
    lines = [[corner, *columns], *([name, *cells] for name, cells in rows.items())]
    widths = [max(len(line[place]) for line in lines) for place in range(len(columns) + 1)]

    def drawn(cells: Sequence[str]) -> str:
        pairs = zip(cells, widths, strict=True)
        return "| " + " | ".join(cell.ljust(width) for cell, width in pairs) + " |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([drawn(lines[0]), rule, *map(drawn, lines[1:])])
