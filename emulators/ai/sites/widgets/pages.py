# ruff: noqa: E501  (markup and word lists read better on one line)
"""Widgets that tell: about, prices, hours, people, pictures, time."""

from __future__ import annotations

from html import escape

from emulators.ai.sites.markup import Block, Context


def light_list(ctx: Context) -> Block:
    """The short form of any section, where there is no room for its widget."""
    items = "".join(
        f"<li><span>{escape(row[0])}</span><span>{escape(row[2])}</span></li>\n"
        for row in ctx.entity.rows[:2]
    )
    return Block(f'<ul class="plain">\n{items}</ul>\n', ("plain",))


def about(ctx: Context) -> Block:
    """Who this is, in two paragraphs and three facts."""
    brief, name = ctx.brief, escape(ctx.brief.name)
    if ctx.has(r"poker room|membership|会员"):
        facts = [
            "Members only|Join by invitation or application",
            "Eight seats|One table, a dealer, no rush",
            "Open late|Thursday to Saturday until two",
        ]
        text = f"Behind the bar at {name} is a quiet room with one table. Membership is $40 a month and brings a guest pass, reserved bottles and a seat at tournaments."
    elif brief.chinese:
        facts = ["2016|成立年份", "12 人|团队", "4.9|平均评分"]
        text = f"{name}由几位朋友在一间小屋里创办，至今仍坚持最初的约定：把每件事做到自己满意为止。"
    else:
        facts = ["2016|the year we began", "12|people who care", "4.9|of 5 from visitors"]
        text = f"{name} began at a kitchen table with one promise: do it properly or not at all. We are still small enough to know everyone by name, and we would like to know yours."
    tiles = "".join(
        f'<div class="panel"><b>{big}</b><br>{small}</div>'
        for big, small in (fact.split("|") for fact in facts)
    )  # fmt: skip
    return Block(f'<p>{text}</p>\n<div class="two">{tiles}</div>\n', wide=True)


def pricing(ctx: Context) -> Block:
    """Three plans."""
    plans = ctx.say(
        "Starter|$9|For trying things out;One project;Email help#Studio|$29|For regular work;"
        "Ten projects;Priority help#Team|$79|For everyone;No limits;A named contact",
        "入门|¥59|适合尝试;一个项目;邮件支持#标准|¥199|适合日常;十个项目;优先支持#团队|¥499|适合全员;不限项目;专属顾问",
    ).split("#")
    per, choose = ctx.say("a month", "/月"), ctx.say("Choose", "选择")
    cards = ""
    for number, plan in enumerate(plans):
        name, price, points = plan.split("|")
        items = "".join(f"<li>{point}</li>" for point in points.split(";"))
        cards += (
            f'<article class="panel{" best" if number == 1 else ""}"><h3>{name}</h3>'
            f'<p class="price">{price} <small>{per}</small></p><ul>{items}</ul>'
            f'<a class="button" href="#top">{choose} {name}</a></article>\n'
        )
    return Block(f'<div class="two">\n{cards}</div>\n', ("pricing",), wide=True)


def hours(ctx: Context) -> Block:
    """When it is open."""
    rows = ctx.say(
        "Monday|closed#Tuesday to Friday|7:00 – 18:00#Saturday|8:00 – 17:00#Sunday|8:00 – 13:00",
        "周一|休息#周二至周五|7:00 – 18:00#周六|8:00 – 17:00#周日|8:00 – 13:00",
    ).split("#")
    items = "".join("<li><span>{}</span><span>{}</span></li>\n".format(*r.split("|")) for r in rows)
    return Block(f'<ul class="plain">\n{items}</ul>\n', ("plain",))


def team(ctx: Context) -> Block:
    """The people."""
    people = (
        "林晓|负责人|十年经验，细致耐心#陈立|主理|先想清楚再动手#周岚|顾问|总能接通的电话"
        if ctx.brief.chinese
        else "Maya Lindqvist|Lead|Fifteen years in, still curious#Jonah Reed|Design|Draws before he talks#"
        "Aiko Tanaka|Craft|Makes it last#Luis Romero|Care|Answers the phone"
    )
    if ctx.has(r"the designer|the author|designer's|作者"):
        people = people.split("#", maxsplit=1)[0]
    cards = ""
    for person in people.split("#")[: ctx.rows]:
        name, role, words = person.split("|")
        cards += (
            f'<div class="panel"><div class="face" aria-hidden="true">{name[0]}</div>'
            f"<h3>{name}</h3><p><b>{role}</b><br>{words}</p></div>\n"
        )
    return Block(f'<div class="two">\n{cards}</div>\n', ("people",), wide=True)


def skills(ctx: Context) -> Block:
    """What they can do, and how well."""
    rows = ctx.say(
        "Interface design 92|Front end 86|Research 78|Illustration 70",
        "界面设计 92|前端开发 86|用户研究 78|插画 70",
    ).split("|")
    items = "".join(
        f'<p>{name}</p><div class="meter" role="img" aria-label="{share}%">'
        f'<i style="width: {share}%"></i></div>\n'
        for name, share in (row.rsplit(" ", 1) for row in rows[: ctx.rows])
    )
    return Block(items, ("people",))


def gallery(ctx: Context) -> Block:
    """Pictures in a mosaic, drawn with gradients."""
    items = "".join(
        f'<figure style="--turn: {n * 47}deg"><svg aria-hidden="true" viewBox="0 0 24 24">'
        f'<use href="#icon"/></svg><figcaption>{escape(row[0])} · {escape(row[1])}</figcaption></figure>\n'
        for n, row in enumerate(ctx.entity.rows)
    )
    return Block(f'<div class="mosaic">\n{items}</div>\n', ("gallery",), wide=True)


def carousel(ctx: Context) -> Block:
    """Slides that move by themselves."""
    slides = "".join(
        f'<div class="slide"{" hidden" if n else ""}><h3>{escape(row[0])}</h3>'
        f"<p>{escape(row[2])} · {escape(row[3])}</p></div>\n"
        for n, row in enumerate(ctx.entity.rows)
    )
    back, forward = ctx.say("Previous", "上一张"), ctx.say("Next", "下一张")
    html = (
        f'<div class="carousel">\n{slides}<button aria-label="{back}">‹</button>'
        f'<button aria-label="{forward}">›</button>\n</div>\n'
    )
    return Block(html, ("carousel",), ("carousel",), wide=True)


def schedule(ctx: Context) -> Block:
    """What happens when."""
    if ctx.has(r"experience|经历|background"):
        rows = ctx.say(
            "2022 – now|Lead designer, Brightwave#2019 – 2022|Product designer, Oakline#2016 – 2019|Studio Arc, junior",
            "2022 – 至今|云帆科技，设计负责人#2019 – 2022|橡树，产品设计师#2016 – 2019|弧光，设计师",
        )
    elif ctx.section.entity in ("events", "fitness", "courses"):
        rows = "#".join(f"{row[2]}|{row[0]} · {row[3]}" for row in ctx.entity.rows)
    else:
        rows = ctx.say(
            "Week 1–4|Foundations#Week 3–9|Structure#Week 8–14|Roof and windows#Week 12–18|Finishing",
            "第 1–4 周|基础#第 3–9 周|主体#第 8–14 周|屋面门窗#第 12–18 周|收尾",
        )
    items = "".join(
        "<li><b>{}</b><span>{}</span></li>\n".format(*map(escape, row.split("|")))
        for row in rows.split("#")
    )  # fmt: skip
    return Block(f'<ul class="plain">\n{items}</ul>\n', ("plain",))


def steps(ctx: Context) -> Block:
    """One after the other, each confirmed."""
    asked = [clause.words for clause in ctx.section.clauses if len(clause.words.split()) < 5]
    if len(asked) < 2:
        asked = ctx.say("Foundation|Practitioner|Specialist", "入门|进阶|专家").split("|")
    confirm = ctx.say("Confirm", "确认")
    items = "".join(
        f'<li class="panel"><h3>{n}. {escape(words[:1].upper() + words[1:])}</h3>'
        f'<button type="button"{" disabled" if n > 1 else ""}>{confirm}</button></li>\n'
        for n, words in enumerate(asked[:4], 1)
    )
    return Block(f'<ol class="steps">\n{items}</ol>\n', ("tools",), ("steps",))


def tasks(ctx: Context) -> Block:
    """A list to tick, with progress."""
    rows = ctx.say(
        "Order the materials|Call the surveyor|Send the first draft|Book the van",
        "订购材料|联系测量员|发送初稿|预约车辆",
    ).split("|")
    items = "".join(
        f'<li><label><input type="checkbox"{" checked" if n == 0 else ""}> {row}</label></li>\n'
        for n, row in enumerate(rows[: ctx.rows])
    )
    what = ctx.say("New task", "新任务")
    html = (
        f'<div data-tasks>\n<progress value="0"></progress><output></output>\n'
        f'<ul class="plain">\n{items}</ul>\n<form class="add"><input placeholder="{what}" '
        f'aria-label="{what}"><button>{ctx.say("Add", "添加")}</button></form>\n</div>\n'
    )
    return Block(html, ("plain", "tools"), ("tasks",))


def weather(ctx: Context) -> Block:
    """The next days."""
    days = ctx.say(
        "Today ☀ 21° 3%|Tue ⛅ 18° 20%|Wed 🌧 15° 80%|Thu ⛅ 17° 25%|Fri ☀ 20° 5%",
        "今天 ☀ 21° 3%|周二 ⛅ 18° 20%|周三 🌧 15° 80%|周四 ⛅ 17° 25%|周五 ☀ 20° 5%",
    ).split("|")
    rain = ctx.say("rain", "降水")
    items = "".join(
        f'<div class="panel">{name}<b>{sign} {warm}</b>{rain} {wet}</div>'
        for name, sign, warm, wet in (day.split(" ") for day in days)
    )
    return Block(f'<div class="tiles">{items}</div>\n', ("chart",))
