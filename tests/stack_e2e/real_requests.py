# ruff: noqa: E501  (requests stand on one line)
"""Real requests, and what a person would look for in the site that comes of each.

`shows` is searched for in what can be read on the page, capitals aside; `parts` are CSS selectors
of things that must be visible, so many times at least.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache

from tests.stack import ROOT

DATA = ROOT.parent / "shared" / "data" / "webgen-prompts.jsonl"


@dataclass(frozen=True)
class Wanted:
    """One request to one model. `request` is a row's number in the data, or the words themselves."""

    request: str
    model: str
    background: tuple[int, int, int]
    component: tuple[int, int, int]
    shows: tuple[str, ...]
    parts: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.request[:10]} by {self.model}"

    @property
    def is_from_data(self) -> bool:
        return self.request.isdigit()

    def words(self) -> str:
        return _rows()[self.request] if self.is_from_data else self.request


@lru_cache(maxsize=1)
def _rows() -> dict[str, str]:
    lines = DATA.read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["instruction"] for row in map(json.loads, lines)}


# Colours by the names of the CSS specification; "azure mist" is not in it and is read as azure.
ENGLISH = (
    Wanted(
        "000001", "claude-3-opus", (255, 255, 255), (0, 0, 128),
        ("Stock", "Basic stock information", "Market trends", "Financial data", "Format", "Generate report"),
        {"form": 1, "select": 1, "input": 2},
    ),
    Wanted(
        "000007", "gpt-4", (240, 255, 255), (25, 25, 112),
        ("Texas Hold'em", "Game lobby", "Chat", "Game records", "Account information", "Community cards", "Check", "Bet", "Fold"),
        {"button": 4},
    ),
    Wanted(
        "000009", "gpt-4-turbo", (240, 248, 255), (70, 130, 180),
        ("Chess", "New game", "Join game", "Undo", "Resign", "Game history", "theme", "level"),
        # A board: its squares, and a choice of theme and of difficulty.
        {"select": 2, "button": 4, "#board .sq": 64},
    ),
    Wanted(
        "000013", "gpt-3-5-turbo", (250, 240, 230), (128, 0, 0),
        ("2048", "New game", "Game over", "Revive", "Score"),
        {"button": 6},
    ),
    Wanted(
        "000017", "gemini-pro", (255, 248, 220), (205, 133, 63),
        ("Fundraiser Day", "Fundraiser testimonials", "Offer information", "Company information"),
        {".carousel": 1, "blockquote": 2},
    ),
    Wanted(
        "000021", "claude-3-sonnet", (255, 218, 185), (205, 92, 92),
        ("The All-In Bourbon Bar", "Menu", "private poker room", "membership", "Events and promotions", "reservation"),
        {"form": 1},
    ),
    Wanted(
        "000029", "llama-3-70b", (248, 248, 255), (112, 128, 144),
        ("Forum", "Reply", "Category", "User center", "Post", "Search"),
        {"textarea": 1, "button": 3},
    ),
    Wanted(
        "000035", "llama-3-8b", (211, 211, 211), (139, 0, 0),
        ("Cryptocurrency Escrow", "Deposit", "Transaction confirmation", "Dispute resolution", "cryptocurrency release", "BTC"),
        {"button": 2},
    ),
    Wanted(
        "000049", "mixtral-8x7b", (255, 250, 250), (105, 105, 105),
        ("Barber Shop", "Barber", "Services", "WhatsApp", "Add barber", "Add service"),
        {"form": 1, "button": 3},
    ),
    Wanted(
        "000055", "mistral-7b", (230, 230, 250), (75, 0, 130),
        ("Global Institute of Information Security", "Course catalog", "Chatbot", "Contact form", "Certification pathways", "Enroll"),
        # One form to enroll with, another to write to the institute.
        {"form": 2},
    ),
    Wanted(
        "000063", "deepseek-chat", (250, 240, 230), (128, 0, 0),
        ("Canadian Nutrition Facts", "Apple", "Search", "Chicken", "Rice", "Broccoli", "kcal", "Packaging design"),
        {"input": 6},
    ),
    Wanted(
        "000079", "deepseek-coder", (248, 248, 255), (112, 128, 144),
        ("Diagram", "Flowchart", "Organizational chart", "Mind map", "Add element", "Remove", "New diagram"),
        {"select": 1, "button": 3},
    ),
    Wanted(
        "000093", "wizardlm-2-8x22b", (240, 255, 255), (72, 61, 139),
        ("World of Imagination", "Creative works", "idea", "Discuss"),
        # The form to share an idea with.
        {"form": 1},
    ),
)  # fmt: skip

CHINESE = (
    Wanted(
        "请为“山海书屋”做一个独立书店网站，要有新书推荐、读书会活动日历、会员积分和在线订书表单，背景用米色，按钮用深红色。",
        "claude-3-haiku", (250, 243, 227), (139, 0, 0),
        ("山海书屋", "新书推荐", "读书会", "活动日历", "会员积分", "在线订书"),
        {"form": 1},
    ),
    Wanted(
        "做一个在线围棋对弈平台，要有新建对局、落子、悔棋、认输和对局记录，背景用白色，组件用墨绿色。",
        "qwen-turbo", (255, 255, 255), (20, 83, 45),
        ("围棋", "新建对局", "落子", "悔棋", "认输", "对局记录"),
    ),
    Wanted(
        "为社区医院做一个预约挂号网站，包含科室介绍、医生排班、在线挂号和就诊须知，白色背景，组件用天蓝色。",
        "qwen-vl-plus", (255, 255, 255), (135, 206, 235),
        ("科室介绍", "医生排班", "在线挂号", "就诊须知"),
        {"form": 1},
    ),
    Wanted(
        "制作一个智慧仓库管理后台，要有库存查询、入库登记、出库登记和统计图表，背景用浅蓝色，按钮用深蓝色。",
        "qwen-vl-max", (219, 234, 254), (18, 48, 107),
        ("仓库", "库存查询", "入库登记", "出库登记", "统计图表"),
        {"input": 1},
    ),
    Wanted(
        "给名为“林夏影像”的摄影工作室做一个作品集，要有图集、拍摄套餐价格、客户评价和联系表单，黑色背景，金色按钮。",
        "qwen-32b-chat", (17, 19, 24), (184, 134, 11),
        ("林夏影像", "图集", "套餐价格", "客户评价", "联系表单"),
        {"form": 1, "textarea": 1},
    ),
    Wanted(
        "做一个中学生背单词网站，要有每日单词、测验、错题本和排行榜，背景用浅绿色，按钮用橙色。",
        "gemini-pro-vision", (220, 252, 231), (234, 88, 12),
        ("单词", "每日单词", "测验", "错题本", "排行榜"),
    ),
)  # fmt: skip

ALL = ENGLISH + CHINESE
