"""The Chinese catalogue: whole, compiled, and true to its placeholders."""

from __future__ import annotations

import gettext
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template import Template
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

from models_catalog.seed_data import MODELS

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|\{[a-z_]+\}")


def entries() -> dict[str, tuple[str, str]]:
    """msgid (with its context in front, and \\x04) → (its plural or itself, its translation)."""
    found = {}
    for block in (CATALOGUE / "django.po").read_text().split("\n\n")[1:]:
        fields = {
            name: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text))
            for name, text in re.findall(
                r'^(msgctxt|msgid|msgid_plural|msgstr(?:\[0\])?) ((?:".*"\n?)+)', block, re.M
            )
        }
        key = fields["msgid"].encode().decode("unicode_escape").encode("latin-1").decode()
        context = f"{fields['msgctxt']}\x04" if "msgctxt" in fields else ""
        text = fields.get("msgstr[0]", fields.get("msgstr", ""))
        text = text.encode().decode("unicode_escape").encode("latin-1").decode()
        found[context + key] = (fields.get("msgid_plural", key), text)
    return found


def compiled() -> gettext.GNUTranslations:
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def said_by_templates() -> set[str]:
    """Every literal msgid in our templates."""
    said: set[str] = set()
    for path in TEMPLATES.rglob("*.html"):
        template = Template(path.read_text())
        nodes: Any = template.nodelist.get_nodes_by_type
        for node in nodes(TranslateNode):
            literal = node.filter_expression.var
            if isinstance(getattr(literal, "literal", None), str):
                said.add(literal.literal)
        for node in nodes(BlockTranslateNode):
            text, _variables = node.render_token_list(node.singular)
            said.add(" ".join(text.split()) if node.trimmed else text)
    return said


def test_every_entry_is_translated() -> None:
    assert [key for key, (_plural, text) in entries().items() if not text] == []
    assert "#, fuzzy" not in (CATALOGUE / "django.po").read_text()


def test_every_string_of_the_templates_is_in_the_catalogue() -> None:
    assert said_by_templates() - {""} - entries().keys() == set()


def test_every_seeded_tagline_is_translated() -> None:
    assert {model.tagline for model in MODELS} - entries().keys() == set()


def test_placeholders_and_tags_survive_translation() -> None:
    for key, (plural, text) in entries().items():
        assert sorted(PLACEHOLDER.findall(text)) == sorted(PLACEHOLDER.findall(plural)), key
        assert sorted(re.findall(r"</?\w+", text)) == sorted(re.findall(r"</?\w+", key)) or (
            "<id>" in key
        ), key


def test_compiled_catalogue_is_the_written_one() -> None:
    translations = compiled()
    written = entries()
    assert len(translations._catalog) - 1 == len(written)  # type: ignore[attr-defined]
    for key, (plural, text) in written.items():
        context, _, msgid = key.rpartition("\x04")
        if context:
            assert translations.pgettext(context, msgid) == text
        elif plural != key:
            assert translations.ngettext(msgid, plural, 5) == text
        else:
            assert translations.gettext(msgid) == text
