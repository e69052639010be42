# ruff: noqa: E501  (markup and word lists read better on one line)
"""Widgets that ask: contact, booking, accounts, settings, calculators."""

from __future__ import annotations

from html import escape

import orjson

from emulators.ai.sites.markup import Block, Context, done_form, field_label, option_list


def contact(ctx: Context) -> Block:
    """A contact form beside the address."""
    say = ctx.say
    if ctx.has(r"newsletter|subscribe|订阅") and not ctx.has("contact|联系"):
        fields = field_label(say("Email", "邮箱"), "email")
        return Block(
            done_form(fields, say("Subscribe", "订阅"), say("You are on the list.", "订阅成功。")),
            (),
            ("form",),
        )
    fields = (
        field_label(say("Name", "姓名"))
        + field_label(say("Email", "邮箱"), "email")
        + field_label(say("Phone", "电话"), "tel", required=False)
        + field_label(say("Message", "留言"), "area")
    )
    done = say("Thank you. We have your message.", "谢谢，我们已收到您的留言。")
    place = say(
        "14 Harbor Street<br>Monday to Friday, 9 to 18<br>hello@example.com<br>(555) 010-0142",
        "滨江路 14 号<br>周一至周五 9:00–18:00<br>hello@example.com<br>010-5550-0142",
    )
    html = (
        f'<div class="two">\n{done_form(fields, say("Send", "发送"), done)}'
        f'<address class="panel">{place}</address>\n</div>\n'
    )
    return Block(html, (), ("form",), wide=True)


def booking(ctx: Context) -> Block:
    """A form that books, orders or applies, after the words that asked for it."""
    say, entity = ctx.say, ctx.entity
    choices = "|".join(row[0] for row in entity.rows)
    fields = field_label(say("Name", "姓名")) + field_label(say("Email", "邮箱"), "email")
    if ctx.has(r"ticket|hotel|train|bus|车票|酒店"):
        what = say("Ticket|Hotel|Train|Flight", "车票|酒店|火车|飞机")
        fields += field_label(say("What", "类型"), what)
    if "|" in choices:
        fields += field_label(entity.columns[0], choices)
    if ctx.has(r"donat|捐"):
        fields += field_label(say("Amount", "金额"), "number")
    elif ctx.has(r"payment|pay\b|order|checkout|支付|订单"):
        fields += field_label(
            say("Pay by", "支付方式"), say("Card|Transfer|Wallet", "银行卡|转账|钱包")
        )
    elif ctx.has(r"appl|submit|enrol|申请|报名|投递"):
        fields += field_label(say("Details", "说明"), "area")
    else:
        fields += field_label(say("Date", "日期"), "date")
    name, done = _booking_words(ctx)
    log = '<ul class="log" aria-live="polite"></ul>\n'
    return Block(done_form(fields, name, done) + log, ("plain",), ("form",))


def _booking_words(ctx: Context) -> tuple[str, str]:
    say = ctx.say
    rules = (
        (r"donat|捐", "Donate", "捐赠", "Thank you for your gift.", "感谢您的捐赠。"),
        (r"reimburs|报销", "Submit", "提交", "Submitted. Your number is R-2048.", "已提交，编号 R-2048。"),
        (r"enrol|报名", "Enroll", "报名", "You are enrolled.", "报名成功。"),
        (r"appl|投递|申请", "Apply", "提交申请", "Your application is in.", "申请已提交。"),
        (r"order|pay|purchas|支付", "Place order", "提交订单", "Order confirmed: #3042.", "订单已确认：#3042。"),
        (r"input", "Look up", "查询", "Found. See the report.", "已找到，请查看报告。"),
    )  # fmt: skip
    for pattern, button, button_zh, done, done_zh in rules:
        if ctx.has(pattern):
            return say(button, button_zh), say(done, done_zh)
    return say("Book", "预订"), say(
        "Booked. A confirmation is on its way.", "预订成功，确认信息已发送。"
    )


def auth(ctx: Context) -> Block:
    """Register and log in, as two tabs."""
    say = ctx.say
    register, login = say("Register", "注册"), say("Log in", "登录")
    who = field_label(say("Name", "姓名"))
    if ctx.has(r"advertis"):
        who += field_label(say("Account", "账户"), say("Band|Advertiser", "乐队|广告主"))
    mail = field_label(say("Email", "邮箱"), "email")
    secret = field_label(say("Passphrase", "口令"), "password")
    first = done_form(
        who + mail + secret, register, say("Welcome, you are registered.", "注册成功，欢迎！")
    )
    second = done_form(mail + secret, login, say("You are logged in.", "登录成功。"))
    second = second.replace("<form", "<form hidden", 1)
    html = (
        f'<div>\n<div class="tabs" role="tablist">'
        f'<button type="button" role="tab" aria-selected="true">{register}</button>'
        f'<button type="button" role="tab" aria-selected="false">{login}</button></div>\n'
        f"{first}{second}</div>\n"
    )
    return Block(html, ("tools",), ("form", "auth"))


def profile(ctx: Context) -> Block:
    """A person's own page: details to change, and what they did."""
    say = ctx.say
    asked = [part for clause in ctx.section.clauses for part in clause.parts][:3]
    fields = (
        field_label(say("Name", "姓名"))
        + field_label(say("Email", "邮箱"), "email")
        + "".join(field_label(name.capitalize(), required=False) for name in asked)
        + field_label(say("About me", "个人简介"), "area", required=False)
    )
    entity = ctx.entity
    items = "".join(
        f"<li><span>{escape(row[0])}</span><span>{escape(row[3])}</span></li>"
        for row in entity.rows[:3]
    )
    done = say("Profile saved.", "资料已保存。")
    html = (
        f'<div class="two">\n<div>{done_form(fields, say("Save", "保存"), done)}</div>\n'
        f'<div class="panel"><h3>{say("My history", "我的记录")}</h3><ul class="plain">{items}</ul>'
        "</div>\n</div>\n"
    )
    return Block(html, ("plain",), ("form",))


def settings(ctx: Context) -> Block:
    """Choices that apply at once."""
    say = ctx.say
    if ctx.has(r"theme|difficulty|level"):
        rows = (
            f'<label>{say("Board theme", "棋盘主题")} <select id="theme">'
            '<option value="">Classic</option><option value="wood">Wood</option>'
            '<option value="green">Green</option></select></label>\n'
            f'<label>{say("Difficulty", "难度")} <select id="level"><option value="0">Easy</option>'
            '<option value="1">Hard</option></select></label>\n'
        )
    else:
        rows = (
            f"<label>{say('Default view', '默认视图')} "
            f"<select>{option_list(say('Table|Cards|Chart', '表格|卡片|图表').split('|'))}</select></label>\n"
            f"<label>{say('Daily limit', '每日上限')} "
            f"<select>{option_list(['100', '500', '1000'])}</select></label>\n"
            f'<label>{say("Notify me", "通知我")} <input type="checkbox" checked></label>\n'
            f'<label>{say("Share data with the team", "与团队共享")} <input type="checkbox"></label>\n'
        )
    return Block(f"<form data-settings>\n{rows}<output></output>\n</form>\n", (), ("settings",))


def send(ctx: Context) -> Block:
    """Write to somebody and see what was sent."""
    say, entity = ctx.say, ctx.entity
    channels = "WhatsApp|SMS|Email" if ctx.has("whatsapp") else "SMS|Email|WhatsApp"
    fields = (
        field_label(say("Message", "内容"))
        + field_label(say("To", "收件人"), "|".join(row[0] for row in entity.rows) + "|…")
        + field_label(say("Channel", "渠道"), channels)
    )
    form = done_form(fields, say("Send", "发送"), say("Sent and delivered.", "已发送并送达。"))
    return Block(f'{form}<ul class="log" aria-live="polite"></ul>\n', ("plain",), ("form",))


def timelog(ctx: Context) -> Block:
    """Hours, logged and summed."""
    say = ctx.say
    rows = [("A. Cole", "6.5 h"), ("R. Vance", "8 h"), ("M. Ito", "4 h")]
    body = "".join(
        f"<tr><td>{who}</td><td>{hours}</td><td>{say('yesterday', '昨天')}</td></tr>\n"
        for who, hours in rows[: ctx.rows]
    )
    html = (
        '<div data-hours>\n<form class="add">'
        f'<input placeholder="{say("Who and on what", "人员与事项")}" aria-label="{say("Who", "人员")}">'
        f'<input type="number" step="0.5" placeholder="{say("Hours", "工时")}" '
        f'aria-label="{say("Hours", "工时")}"><button>{say("Log hours", "登记工时")}</button></form>\n'
        f'<div class="scroll"><table><tbody>\n{body}</tbody></table></div>\n'
        f"<p>{say('Total hours', '合计')}: <output></output></p>\n</div>\n"
    )
    return Block(html, ("table",), ("timelog",))


def calc(ctx: Context) -> Block:
    """Amounts times rates, summed while one types."""
    say = ctx.say
    if ctx.has(r"nutri|food|serving|营养"):
        rows, unit = (
            [("Chicken (g)", 150, 1.65), ("Rice (g)", 180, 1.23), ("Broccoli (g)", 90, 0.34)],
            "# kcal",
        )
    elif ctx.has(r"mortgage|房贷|loan"):
        rows, unit = (
            [(say("Loan, in thousands", "贷款（万元）"), 300, 5.3)],
            say("$# a month", "每月 # 元"),
        )
    else:
        rows = [
            (say("Hours", "工时"), 24, 65),
            (say("Material", "材料"), 40, 12),
            (say("Travel (km)", "差旅（公里）"), 120, 0.6),
        ]
        unit = say("Estimate: $#", "估算：¥#")
    inputs = "".join(
        f'<label>{name} <input type="number" min="0" value="{value}" data-rate="{rate}"></label>\n'
        for name, value, rate in rows
    )  # fmt: skip
    return Block(f'<form data-calc="{unit}">\n{inputs}<output></output>\n</form>\n', (), ("calc",))


def match(ctx: Context) -> Block:
    """Criteria in, best matches first out."""
    entity = ctx.entity
    data = escape(orjson.dumps(entity.rows).decode(), quote=True)
    asked = [part for clause in ctx.section.clauses for part in clause.parts]
    names = (asked or list(entity.columns[1:]))[:4]
    columns = [1, 2, 3, 1]
    selects = "".join(
        f"<label>{escape(name.capitalize())} <select><option value=''>{ctx.say('Any', '不限')}</option>"
        f"{option_list(list(dict.fromkeys(row[column] for row in entity.rows)))}</select></label>\n"
        for name, column in zip(names, columns, strict=False)
    )
    html = f'<form data-match="{data}">\n{selects}<ol aria-live="polite"></ol>\n</form>\n'
    return Block(html, (), ("match",))


def seats(ctx: Context) -> Block:
    """Seats to choose from, some taken, with the price."""
    taken = {n for n in range(24) if (ctx.brief.seed >> (n % 16)) & 1 and n % 3}
    buttons = "".join(
        f'<button type="button"{" disabled" if n in taken else ""} aria-pressed="false">{n + 1}</button>'
        for n in range(24)
    )
    free = 24 - len(taken)
    html = (
        f"<p>{free} {ctx.say('seats free now', '个空位')}</p>\n"
        f'<div data-seats="24"><div class="seats">{buttons}</div><output></output></div>\n'
    )
    return Block(html, ("tools",), ("seats",))
