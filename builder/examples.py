"""Requests that work well, shown where a person does not know yet what to ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Example:
    """`text` is in the language `lang` whatever the page's language is; `label` is translated.

    The picture of its result is static/img/gallery/<slug>.webp.
    """

    slug: str
    label: str | Promise
    lang: str
    text: str


EXAMPLES: Final = (
    Example(
        "bakery",
        _("A neighbourhood bakery"),
        "en",
        "A warm one-page site for Main Street Bakery: today's breads with prices, opening hours, "
        "the story of our sourdough, and how to order a cake.",
    ),
    Example(
        "teahouse",
        _("A tea house, in Chinese"),
        "zh-Hans",
        "为杭州的「云间茶馆」做一个中文网站：茶单（西湖龙井 68 元、正山小种 58 元、普洱 48 元）、"
        "营业时间、地址和预约茶席的方式，风格清雅。",
    ),
    Example(
        "portfolio",
        _("A photographer's portfolio"),
        "en",
        "A portfolio for a photographer called “Mara Lind”: a gallery of six projects, a short "
        "biography and a contact form. Quiet, with lots of space.",
    ),
    Example(
        "product",
        _("A landing page for an app"),
        "en",
        "A landing page for an app called “Tidewater” that tells surfers when to go: three "
        "features, pricing in two plans, questions and answers.",
    ),
    Example(
        "restaurant",
        _("A restaurant's menu"),
        "en",
        "A site for a restaurant called “Olive & Ash”: a menu of starters, mains and desserts with "
        "prices, opening hours, and a table reservation form.",
    ),
    Example(
        "event",
        _("A conference, in Chinese"),
        "zh-Hans",
        "为「2027 上海开源大会」做一个活动网站：日期地点、三位讲者、两天的日程表、票价和常见问题。",
    ),
)
# One click fills the box: two languages, three kinds.
FIRST_EXAMPLES: Final = EXAMPLES[:3]
