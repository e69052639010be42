"""Widgets: what a section of a site can be."""

from __future__ import annotations

from collections.abc import Callable

from emulators.ai.sites.markup import Block, Context
from emulators.ai.sites.widgets import forms, pages, play, records, talk
from emulators.ai.sites.widgets.pages import light_list

__all__ = ["WIDGETS", "light_list"]

WIDGETS: dict[str, Callable[[Context], Block]] = {
    "table": records.table,
    "catalog": records.catalog,
    "chart": records.chart,
    "report": records.report,
    "compare": records.compare,
    "ranking": records.ranking,
    "contact": forms.contact,
    "booking": forms.booking,
    "auth": forms.auth,
    "profile": forms.profile,
    "settings": forms.settings,
    "send": forms.send,
    "timelog": forms.timelog,
    "calc": forms.calc,
    "match": forms.match,
    "seats": forms.seats,
    "chat": talk.chat,
    "thread": talk.thread,
    "reviews": talk.reviews,
    "quotes": talk.quotes,
    "faq": talk.faq,
    "share": talk.share,
    "links": talk.links,
    "about": pages.about,
    "pricing": pages.pricing,
    "hours": pages.hours,
    "team": pages.team,
    "skills": pages.skills,
    "gallery": pages.gallery,
    "carousel": pages.carousel,
    "schedule": pages.schedule,
    "steps": pages.steps,
    "tasks": pages.tasks,
    "weather": pages.weather,
    "editor": play.editor,
    "diagram": play.diagram,
    "designer": play.designer,
    "game_2048": play.game_2048,
    "game_chess": play.game_chess,
    "game_poker": play.game_poker,
    "game_sort": play.game_sort,
    "game_realm": play.game_realm,
    "game_snake": play.game_snake,
    "game_ttt": play.game_ttt,
    "game_memory": play.game_memory,
}
