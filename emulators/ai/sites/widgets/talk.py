# ruff: noqa: E501  (markup and word lists read better on one line)
"""Widgets where people speak: posts, chats, reviews, quotes, questions, links."""

from __future__ import annotations

from html import escape

from emulators.ai.sites.markup import Block, Context, option_list

_POSTS = (
    ("Mia", "09:12", "Has anyone tried this before? I would love to hear how it went."),
    ("Tomas", "09:40", "Yes, twice. Start small, write things down, ask early."),
    ("Ines", "10:05", "Agreed. The second time was much easier for us."),
)
_POSTS_ZH = (
    ("小米", "09:12", "有人试过吗？很想听听大家的经验。"),
    ("阿涛", "09:40", "试过两次，建议从小处开始，多记录，早提问。"),
    ("周岚", "10:05", "同意，第二次就顺利多了。"),
)


def _posts(ctx: Context, *, votes: bool, stars: bool = False) -> str:
    rows = _POSTS_ZH if ctx.brief.chinese else _POSTS
    reply = ctx.say("Reply", "回复")
    items = []
    for number, (who, when, words) in enumerate(rows[: max(2, ctx.rows - 1)]):
        name = ctx.say("Anonymous", "匿名") + f" {number + 1}" if ctx.has("anonym") else who
        tail = f'<button class="up">▲ {14 - number * 5}</button><button class="re">{reply}</button>'
        mark = f" {'★' * (5 - number % 2)}" if stars else ""
        items.append(
            f"<li><b>{name}</b>{mark}<time>{when}</time><p>{words}</p>{tail if votes else ''}</li>\n"
        )
    return "".join(items)


def _thread(ctx: Context, posts: str, extra: str, answer: str, button: str) -> Block:
    label = ctx.say("Your words", "内容")
    html = (
        f'<div data-thread="{answer}">\n<ul class="posts" aria-live="polite">\n{posts}</ul>\n'
        f'<form>{extra}<textarea rows="2" aria-label="{label}" placeholder="{label}"></textarea>'
        f"<div><button>{button}</button></div></form>\n</div>\n"
    )
    return Block(html, ("thread",), ("thread",))


def thread(ctx: Context) -> Block:
    """Posts with votes and replies, and a form to write one."""
    topics = ctx.say("General|Questions|Ideas", "综合|提问|想法").split("|")
    label = ctx.say("Topic", "话题")
    extra = f'<select aria-label="{label}">{option_list(topics)}</select>'
    button = ctx.say("Post", "发布")
    if ctx.has(r"question|answer|问答"):
        button = ctx.say("Submit question", "提交问题")
    elif ctx.has(r"comment|评论"):
        button = ctx.say("Post comment", "发表评论")
    return _thread(ctx, _posts(ctx, votes=True), extra, "", button)


def chat(ctx: Context) -> Block:
    """Messages that get an answer."""
    answer = ctx.say("Assistant", "助手") if ctx.has("bot|客服") else ctx.say("Ines", "周岚")
    return _thread(ctx, _posts(ctx, votes=False), "", answer, ctx.say("Send", "发送"))


def reviews(ctx: Context) -> Block:
    """Stars and words."""
    label = ctx.say("Rating", "评分")
    extra = (
        f'<select aria-label="{label}">{option_list(["★★★★★", "★★★★", "★★★", "★★", "★"])}</select>'
    )
    posts = _posts(ctx, votes=True, stars=True)
    return _thread(ctx, posts, extra, "", ctx.say("Submit review", "提交评价"))


def quotes(ctx: Context) -> Block:
    """What people say."""
    rows = (
        (
            "它让我们的一天变得更轻松。|林晓，三年老客户",
            "说到做到，细节到位。|陈立，合作伙伴",
            "推荐给了所有朋友。|周岚，新客户",
        )
        if ctx.brief.chinese
        else (
            "They did what they said, a day early, and it still makes us smile.|Nora Whitfield, Brightwave",
            "The only place I send my friends without a warning.|Samir Khan, regular since 2019",
            "Clear, kind and quick. Our second year with them.|Lucy Tran, Portside",
        )
    )
    cards = "".join(
        f'<div class="panel"><blockquote>{words}</blockquote><cite>{who}</cite></div>\n'
        for words, who in (row.split("|") for row in rows[: ctx.rows])
    )
    return Block(f'<div class="two">\n{cards}</div>\n', ("plain",), wide=True)


def faq(ctx: Context) -> Block:
    """Questions that open."""
    if ctx.has(r"practice|advice|integration"):
        rows = [
            ("Best practice: answer a lead within an hour", "Replies in the first hour convert best. Set a reminder, keep it short."),
            ("Best practice: one owner for each lead", "Name one person. Everyone else adds notes."),
            ("Integration advice: mail and calendar", "Connect both first; forms and ads can follow."),
        ]  # fmt: skip
    elif ctx.has(r"guide|how to|玩法|指南"):
        rows = [
            (ctx.say("How do I start?", "怎么开始？"), ctx.say("Press the first button and follow the hints.", "点击第一个按钮，按提示操作。")),
            (ctx.say("Can I undo a step?", "可以撤销吗？"), ctx.say("Yes. Choose it again, or start fresh.", "可以，重新选择或重新开始。")),
            (ctx.say("Where is my work kept?", "内容保存在哪里？"), ctx.say("On this page, for as long as it is open.", "页面打开期间一直保留。")),
        ]  # fmt: skip
    else:
        rows = [
            (ctx.say("How soon can I start?", "多久可以开始？"), ctx.say("Usually within two days. We confirm by mail.", "通常两天内，我们会邮件确认。")),
            (ctx.say("What does it cost?", "费用是多少？"), ctx.say("The price you see is the price you pay.", "所见即所付，没有隐藏费用。")),
            (ctx.say("Can I change my mind?", "可以取消吗？"), ctx.say("Yes, free of charge up to 24 hours before.", "提前 24 小时可免费取消。")),
        ]  # fmt: skip
    items = "".join(
        f"<details{' open' if n == 0 else ''}><summary>{question}</summary><p>{answer}</p></details>\n"
        for n, (question, answer) in enumerate(rows)
    )
    return Block(items, ("plain",))


def share(ctx: Context) -> Block:
    """A link to copy, and where to send it."""
    names = ctx.say("Copy link|Email|Messages", "复制链接|邮件|微信").split("|")
    buttons = "".join(f'<button type="button">{name}</button>' for name in names)
    label = ctx.say("Link to share", "分享链接")
    html = (
        f'<div data-share class="panel">\n<input readonly value="https://example.com/share/7f3a" '
        f'aria-label="{label}">\n<div class="bar" style="margin-top: .8rem">{buttons}</div>'
        "<output></output>\n</div>\n"
    )
    return Block(html, (), ("share",))


def links(ctx: Context) -> Block:
    """One's links: add, edit, delete."""
    edit, delete = ctx.say("Edit", "编辑"), ctx.say("Delete", "删除")
    items = "".join(
        f'<li><a href="https://{escape(row[3])}" target="_blank" rel="noopener">{escape(row[0])}</a>'
        f'<span><button class="quiet edit" type="button">{edit}</button> '
        f'<button class="quiet del" type="button">{delete}</button></span></li>\n'
        for row in ctx.entity.rows
    )
    name, address = ctx.say("Title", "标题"), ctx.say("Address", "网址")
    html = (
        f'<div data-links>\n<ul class="plain">\n{items}</ul>\n<form class="add">'
        f'<input placeholder="{name}" aria-label="{name}">'
        f'<input placeholder="{address}" aria-label="{address}">'
        f"<button>{ctx.say('Save link', '保存链接')}</button></form>\n</div>\n"
    )
    return Block(html, ("plain",), ("links",))
