"""Widgets over records: tables, cards, charts, reports, comparisons, rankings."""

from __future__ import annotations

import re
from html import escape

import orjson

from emulators.ai.sites.markup import Block, Context, option_list

# What the button on a card says, by what the section is about.
_ACTIONS = (
    (r"\bservices$|tools$", "Details", "查看详情"),
    (r"bakes$|drinks$|menu$", "Add to order", "加入订单"),
    (r"cart|shop|buy|purchas|store|products$|购物|商品|商店", "Add to cart", "加入购物车"),
    (r"download|ringtone|下载", "Download", "下载"),
    (r"apply|job|intern|职位|实习", "Apply", "投递"),
    (r"enrol|course|课程", "Enroll", "报名"),
    (r"book|attraction|hotel|ticket|trip|destination|预订|目的地", "Book", "预订"),
    (r"join|group|room|lobby|小组|社团", "Join", "加入"),
    (r"\bleas|\brent(?:al|ing)?\b|租", "Lease", "租用"),
    (r"\bbid|\btrad(?:e|ing)|竞", "Place bid", "出价"),
    (r"collect|article|news|stor(?:y|ies)|文章|资讯", "Read", "阅读"),
    (r"offer|promotion|discount|deal|优惠", "Get the offer", "领取优惠"),
    (r"partner|people|profile|交友", "Say hello", "打招呼"),
)


def table(ctx: Context) -> Block:
    """Records in a table: search, filter, sort, change a state, add one."""
    entity = ctx.entity
    states = list(dict.fromkeys(row[3] for row in entity.rows))
    head = "".join(f"<th>{escape(name)}</th>" for name in entity.columns)
    rows = "".join(_row(row) for row in entity.rows)
    inputs = "".join(
        f'<input placeholder="{escape(name)}" aria-label="{escape(name)}">'
        for name in entity.columns
    )
    search, every = ctx.say("Search", "搜索"), ctx.say("All", "全部")
    first = ctx.say(entity.columns[0].lower(), entity.columns[0])
    html = (
        f'<div data-table="{escape("|".join(states))}">\n<div class="bar">'
        f'<input type="search" placeholder="{search}" aria-label="{search}">'
        f'<select aria-label="{ctx.say("Filter", "筛选")}"><option value="">{every}</option>'
        f"{option_list(entity.categories())}</select></div>\n"
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n'
        f'</table></div>\n<form class="add">{inputs}'
        f"<button>{ctx.say('Add ' + first, '添加' + first)}</button></form>\n</div>\n"
    )
    return Block(html, ("table",), ("table",))


def _row(row: tuple[str, ...]) -> str:
    cells = "".join(f"<td>{escape(cell)}</td>" for cell in row[:3])
    return f'<tr>{cells}<td><button class="state">{escape(row[3])}</button></td></tr>\n'


def catalog(ctx: Context) -> Block:
    """Records as cards: search, categories, save, one action."""
    entity = ctx.entity
    action = _action(ctx)
    chips = "".join(
        f'<button value="{escape(name)}" aria-pressed="false">{escape(name)}</button>'
        for name in entity.categories()
    )
    cards = "".join(_card(ctx, row, action, n) for n, row in enumerate(entity.rows))
    search, chosen = ctx.say("Search", "搜索"), ctx.say("Chosen", "已选")
    html = (
        f'<div data-catalog="{chosen}">\n<div class="bar">'
        f'<input type="search" placeholder="{search}" aria-label="{search}">'
        f'<div class="chips"><button value="" aria-pressed="true">{ctx.say("All", "全部")}</button>'
        f'{chips}</div></div>\n<div class="cards">\n{cards}</div>\n'
        '<output class="tray"></output>\n</div>\n'
    )
    return Block(html, ("catalog",), ("catalog",), wide=True)


def _action(ctx: Context) -> str:
    words = ctx.section.words + " " + (ctx.section.entity or "")
    for pattern, english, chinese in _ACTIONS:
        if re.search(pattern, words, re.IGNORECASE):
            return ctx.say(english, chinese)
    return ctx.say("View", "查看")


def _card(ctx: Context, row: tuple[str, ...], action: str, number: int) -> str:
    save = ctx.say("Save", "收藏")
    return (
        f'<article class="card" data-kind="{escape(row[1])}">'
        f'<div class="thumb" style="--turn: {40 + number * 55}deg">'
        f'<svg aria-hidden="true"><use href="#icon"/></svg></div>\n<h3>{escape(row[0])}</h3>'
        f'<p class="meta">{escape(row[1])} · {escape(row[2])}</p><p>{escape(row[3])}</p>'
        f'<div class="row"><button class="act" aria-pressed="false">{action}</button>'
        f'<button class="fav" aria-pressed="false" aria-label="{save}">♡</button></div>'
        "</article>\n"
    )


def chart(ctx: Context) -> Block:
    """Key figures, and numbers as bars or a line."""
    brief, entity = ctx.brief, ctx.entity
    names = [row[0].split(" · ")[0][:22] for row in entity.rows[:3]]
    series = {
        name: [18 + (brief.seed // (n + 3) + month * (7 + 5 * n) * 13) % 83 for month in range(6)]
        for n, name in enumerate([ctx.say("Total", "合计"), *names])
    }
    tiles = "".join(
        f'<div class="panel"><b>{sum(values)}</b>{escape(name)}</div>'
        for name, values in list(series.items())[:4]
    )
    months = ctx.say("Jan|Feb|Mar|Apr|May|Jun", "一月|二月|三月|四月|五月|六月")
    data = escape(orjson.dumps(series).decode(), quote=True)
    html = (
        f'<div class="tiles">{tiles}</div>\n<div data-chart="{data}" data-labels="{months}">\n'
        f'<div class="bar"><select aria-label="{ctx.say("Series", "数据")}">'
        f'{option_list(list(series))}</select><button class="quiet">'
        f"{ctx.say('Bars or line', '柱状图/折线图')}</button></div>\n<figure></figure>\n</div>\n"
    )
    return Block(html, ("chart",), ("chart",))


def report(ctx: Context) -> Block:
    """A report made to order: what about, in which format, with which parts."""
    entity = ctx.entity
    asked = [part for clause in ctx.section.clauses for part in clause.parts]
    parts = asked or ctx.say(
        "Basic information|Trends|Financial data|Summary", "基本信息|趋势|财务数据|汇总"
    ).split("|")
    boxes = "".join(
        f'<label><input type="checkbox" value="{escape(part)}" checked> {escape(part)}</label>'
        for part in parts[:5]
    )
    formats = ctx.say("Summary|Table|Full report", "摘要|表格|完整报告").split("|")
    data = escape(orjson.dumps(entity.rows).decode(), quote=True)
    example = entity.rows[0][0].split(" ")[0]
    html = (
        f'<form data-report="{data}">\n<label>{escape(entity.columns[0])} '
        f'<input placeholder="{escape(example)}"></label>\n'
        f"<label>{ctx.say('Format', '格式')} <select>{option_list(formats)}</select></label>\n"
        f"{boxes}\n<div><button>{ctx.say('Generate report', '生成报表')}</button></div>\n"
        '<div class="out scroll" aria-live="polite"></div>\n</form>\n'
    )
    return Block(html, ("table",), ("report",))


def compare(ctx: Context) -> Block:
    """Two records side by side."""
    entity = ctx.entity
    data = escape(orjson.dumps([entity.columns, *entity.rows]).decode(), quote=True)
    options = "".join(
        f'<option value="{n}">{escape(row[0])}</option>' for n, row in enumerate(entity.rows)
    )
    selects = "".join(
        f'<select aria-label="{ctx.say(label, zh)}">{options}</select>'
        for label, zh in (("First", "第一项"), ("Second", "第二项"))
    )
    html = (
        f'<div data-compare="{data}">\n<div class="bar">{selects}</div>\n'
        '<div class="scroll"><table></table></div>\n</div>\n'
    )
    return Block(html, ("table",), ("compare",))


def ranking(ctx: Context) -> Block:
    """Who leads, in order."""
    players = ctx.say(
        "Ravenhart 9,820|Mossy 9,175|Ironbeard 8,640|Lark 7,905|You 7,410",
        "云中鹤 9,820|小满 9,175|铁匠 8,640|阿岚 7,905|我 7,410",
    ).split("|")
    rows = "".join(
        f"<li><span>{n}. {name}</span><b>{points}</b></li>\n"
        for n, (name, points) in enumerate((p.rsplit(" ", 1) for p in players[: ctx.rows]), 1)
    )
    return Block(f'<ol class="rank">\n{rows}</ol>\n', ("plain",))
