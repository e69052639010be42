"""Small pieces of HTML that widgets share."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape

from emulators.ai.sites.brief import Brief, Section
from emulators.ai.sites.clauses import Clause
from emulators.ai.sites.entities import Entity, get_entity

_BLAND = re.compile(
    r"website|^(?:a )?home ?page$|^home$|navigation|responsive|user (?:interface|experience)|"
    r"^if the|related operations|optimi[sz]ed|^be ",
    re.IGNORECASE,
)
_SMALL = {"a", "an", "and", "or", "of", "the", "for", "to", "with", "in", "on", "by"}
_LEADING_VERB = re.compile(
    r"^(?:(?:view|browse|browsing|display|displaying|displays|manage|managing|provide|provides|"
    r"support|viewing|showcase|showcasing|search|searching|collect|see|use|view and|"
    r"have|receive|perform|handle|organi[sz]ing)\b(?:\s+(?:and|or)\b)?(?:\s+for\b)?\s*)+"
    r"(?:the\s+|their(?: own)?\s+|others['’]?s?\s+|an?\s+)?(?=\w{3})",
    re.IGNORECASE,
)


@dataclass
class Block:
    """One widget's HTML, and the style sheets and scripts it needs."""

    html: str
    css: tuple[str, ...] = ()
    js: tuple[str, ...] = ()
    wide: bool = False


@dataclass
class Context:
    """What a widget is built from: the brief, its section, and how many rows there is room for."""

    brief: Brief
    section: Section
    rows: int
    used: set[str] = field(default_factory=set)

    @property
    def entity(self) -> Entity:
        """The sample rows of the section's subject, as many as there is room for."""
        words = self.section.clauses[0].words if self.section.clauses else self.section.words
        found = get_entity(self.section.entity, words, chinese=self.brief.chinese)
        return Entity(found.key, found.columns, found.rows[: self.rows])

    def say(self, english: str, chinese: str) -> str:
        """The one of two texts in the request's language."""
        return self.brief.say(english, chinese)

    def has(self, pattern: str) -> bool:
        """Whether the words that asked for the section match."""
        return re.search(pattern, self.section.words, re.IGNORECASE) is not None


def title_of(section: Section, chinese: bool) -> str:
    """A heading in the request's words: the clause that is most like a name."""
    if not section.clauses:
        return ""
    telling = [clause for clause in section.clauses if not _BLAND.search(clause.words)]
    best = min(telling or section.clauses, key=lambda clause: _distance(clause.words, chinese))
    words = best.words
    if chinese:
        return words
    shorter = _LEADING_VERB.sub("", words)
    words = shorter if len(shorter.split()) >= 1 and len(shorter) > 3 else words
    words = re.split(r"\s+(?:to|that|which|based on|from|so|using|via|through|with)\s+", words)[0]
    picked = words.split()[:6]
    while picked and picked[-1].lower() in _SMALL:
        picked.pop()
    text = " ".join(picked)
    return text[:1].upper() + text[1:]


def _distance(words: str, chinese: bool) -> float:
    if chinese:
        return abs(len(words) - 4)
    count = len(words.split())
    return abs(count - 2.4) + (0.7 if words.split()[0].lower().endswith("ing") else 0)


def lead_of(section: Section, title: str, chinese: bool) -> str:
    """The section's other clauses as short sentences; words already said are left out."""
    said = _stems(title)
    sentences: list[str] = []
    for clause in section.clauses:
        stems = _stems(" ".join((clause.words, *clause.parts)))
        if not stems - said:
            continue
        said |= stems
        sentences.append(_sentence(clause, chinese))
    if not sentences:
        return ""
    return ("。".join(sentences) + "。") if chinese else " ".join(s + "." for s in sentences)


def _sentence(clause: Clause, chinese: bool) -> str:
    words = clause.words[:1].upper() + clause.words[1:]
    if clause.parts:
        parts = ("、" if chinese else ", ").join(clause.parts)
        return f"{words}{'：' if chinese else ': '}{parts}"
    return words


def _stems(text: str) -> set[str]:
    if re.search(r"[\u4e00-\u9fff]", text):
        return {text}
    words = re.findall(r"[a-z0-9][\w'’-]*", text.lower())
    return {stem(word) for word in words if word not in _SMALL and len(word) > 2}


def stem(word: str) -> str:
    """A word's beginning without its usual endings, so that "posting" is "post"."""
    word = word.lower()
    for ending in ("ing", "ies", "ied", "es", "ed", "s", "y", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


def slug(text: str, taken: set[str]) -> str:
    """A fresh id out of a heading."""
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:24].strip("-") or "part"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


def option_list(values: list[str]) -> str:
    """Options of a select, one per value."""
    return "".join(f"<option>{escape(value)}</option>" for value in values)


def field_label(name: str, kind: str = "text", *, required: bool = True) -> str:
    """One labelled field of a form; `kind` is an input type, "area", or "a|b|c" to choose."""
    need = " required" if required else ""
    if "|" in kind:
        control = f"<select{need}>{option_list(kind.split('|'))}</select>"
    elif kind == "area":
        control = f'<textarea rows="3"{need}></textarea>'
    else:
        control = f'<input type="{kind}"{need}>'
    return f"<label>{escape(name)} {control}</label>\n"


def done_form(fields: str, button: str, done: str, extra: str = "") -> str:
    """A form that checks itself and confirms."""
    return (
        f'<form data-done="{escape(done)}">\n{fields}'
        f'{extra}<div><button>{escape(button)}</button></div>\n<p role="status"></p>\n</form>\n'
    )
