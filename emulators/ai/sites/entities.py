"""Sample rows for what a request talks about."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_DATA = Path(__file__).with_name("data")
_STATES = ("New", "Active", "In review", "Done")
_STATES_ZH = ("新建", "进行中", "审核中", "已完成")


@dataclass(frozen=True)
class Entity:
    """Four column names, and rows of title, category, value and note."""

    key: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def categories(self) -> list[str]:
        """The distinct categories, in order."""
        return list(dict.fromkeys(row[1] for row in self.rows))


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, object]]:
    return tomllib.loads((_DATA / "entities.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (key, re.compile(rf"(?<![a-z])(?:{row['match']})", re.IGNORECASE))
        for key, row in _tables().items()
    ]


def find_entity_key(words: str) -> str | None:
    """The key of what the words talk about: the one named last, where a head noun stands."""
    best: tuple[int, int, str] | None = None
    for key, pattern in _patterns():
        for match in pattern.finditer(words):
            candidate = (match.end(), len(match.group()), key)
            if best is None or candidate[:2] > best[:2]:
                best = candidate
    return best[2] if best else None


def get_entity(key: str | None, words: str, *, chinese: bool) -> Entity:
    """Rows for a key; for a thing nobody foresaw, rows made from its own words."""
    row = _tables().get(key or "")
    if row is None or (chinese and "rows_zh" not in row):
        return _made_up(words, chinese=chinese)
    suffix = "_zh" if chinese else ""
    columns = str(row["cols" + suffix]).split("|")
    rows = row["rows" + suffix]
    if not isinstance(rows, list):
        raise TypeError(f"{key}: rows must be a list")
    return Entity(str(key), tuple(columns), tuple(tuple(str(r).split("|")) for r in rows))


def _made_up(words: str, *, chinese: bool) -> Entity:
    if chinese:
        name = re.sub(r"(?:管理|列表|展示|介绍|查询|浏览|发布|系统)", "", words)[:6] or "项目"
        rows = [(f"{name} {n}", kind, f"{n * 12}", state) for n, kind, state in _zh_rows()]
        return Entity("made_up", (name, "类别", "数量", "状态"), tuple(rows))
    noun = _head_noun(words)
    places = ("North", "Harbor", "Summit", "Garden")
    rows_en = [
        (f"{noun} {place}", kind, str(12 + 7 * n), _STATES[n])
        for n, (place, kind) in enumerate(
            zip(places, ("Standard", "Priority", "Standard", "Archive"), strict=True)
        )
    ]
    return Entity("made_up", (noun, "Kind", "Count", "Status"), tuple(rows_en))


def _zh_rows() -> list[tuple[int, str, str]]:
    kinds = ("常规", "优先", "常规", "归档")
    return [(n + 1, kind, _STATES_ZH[n]) for n, kind in enumerate(kinds)]


_SKIPPED = re.compile(
    r"^(?:the|a|an|and|or|of|for|to|with|by|their|your|his|her|its|others?'?s?|"
    r"view|browse|manage|managing|display|displaying|add|adding|new|see|search|track|create|"
    r"information|details?|data|management|functions?|functionality|features?|page|section)$",
    re.IGNORECASE,
)


def _head_noun(words: str) -> str:
    nouns = [word for word in re.findall(r"[A-Za-z][\w'’-]*", words) if not _SKIPPED.match(word)]
    picked = nouns[-1] if nouns else "Item"
    if picked.endswith("ies"):
        picked = picked[:-3] + "y"
    elif picked.endswith("s") and not picked.endswith("ss"):
        picked = picked[:-1]
    return picked[:1].upper() + picked[1:]
