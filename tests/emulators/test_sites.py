# ruff: noqa: E501  (requests stand on one line)
"""What was asked for shows: names, colours, features, language, on real requests."""

import json
import re
from functools import lru_cache
from html import unescape
from pathlib import Path

import pytest

from emulators.ai.catalog import MODELS
from emulators.ai.sites import build_site
from emulators.ai.sites.brief import kinds
from emulators.ai.sites.colours import contrast, find_colours
from emulators.ai.sites.markup import stem
from emulators.ai.sites.page import FILLER_WORDS
from emulators.ai.tokens import count_tokens, first_tokens, split_tokens

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "webgen-prompts.jsonl"
needs_data = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not here")
CHINESE = {
    "为一家名为“晨光咖啡”的咖啡馆做一个网站，要有菜单、营业时间和联系表单，背景用米色": ["晨光咖啡", "菜单", "营业时间", "联系表单"],
    "请设计一个瑜伽工作室网站，包含课程表、教练介绍、在线预约功能。": ["课程表", "教练介绍", "在线预约", "瑜伽"],
    "做一个电商网站，卖手工陶瓷，要有购物车和顾客评价，背景白色，按钮用墨绿色": ["陶瓷", "购物车", "顾客评价"],
    "制作一个销售数据后台，包含客户管理、订单管理和统计图表": ["客户管理", "订单管理", "统计图表"],
    "给摄影师做一个作品集，要有图集、套餐价格和联系表单，黑色背景": ["图集", "套餐价格", "联系表单"],
    "做一个2048小游戏，要有排行榜": ["2048", "排行榜"],
}  # fmt: skip


@lru_cache(maxsize=1)
def rows() -> list[dict[str, str]]:
    return [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]


def site(request: str, detail: str = "standard") -> dict[str, str]:
    return build_site(request, model_id="m", detail=detail).files  # type: ignore[arg-type]


def visible(files: dict[str, str]) -> str:
    pages = "".join(text for path, text in files.items() if path.endswith(".html"))
    words = re.findall(r'(?:placeholder|aria-label)="([^"]*)"', pages)
    return unescape(re.sub(r"<[^>]+>", " ", pages)) + " ".join(words)


@needs_data
def test_every_real_request_shows_its_words_and_its_colours():
    told = 0
    for row in rows():
        request = row["instruction"]
        files = site(request)
        shown = {stem(word) for word in re.findall(r"[a-z0-9][\w'’-]*", visible(files).lower())}
        asked = find_colours(request)
        body = re.split(r"(?<=\.)\s+", request)
        words = re.findall(r"[a-z][\w'’-]{3,}", " ".join(body[:-1]).lower())
        missing = {word for word in words if word not in FILLER_WORDS and stem(word) not in shown}
        assert not missing, (row["id"], missing)
        assert f"--bg: {asked.background};" in files["style.css"], row["id"]
        assert f"--accent: {asked.component};" in files["style.css"], row["id"]
        told += 1
    assert told == 51


@needs_data
def test_names_in_real_requests_become_the_title():
    expected = {
        "000017": "Fundraiser Day",
        "000021": "The All-In Bourbon Bar",
        "000055": "Global Institute of Information Security",
        "000093": "World of Imagination",
    }
    for row in rows():
        if row["id"] in expected:
            assert f"<h1>{expected[row['id']]}</h1>" in site(row["instruction"])["index.html"]


@needs_data
@pytest.mark.parametrize(
    ("number", "marks"),
    [
        ("000001", ["data-report", "data-table"]),
        ("000003", ["data-compare", "data-report"]),
        ("000005", ["data-chart"]),
        ("000007", ['id="fold"', 'id="bet"']),
        ("000009", ['id="undo"', 'id="resign"', 'id="theme"', 'id="level"']),
        ("000013", ['id="revive"', 'data-move="Up"']),
        ("000015", ["data-done", "<textarea"]),
        ("000017", ['class="carousel"', "blockquote"]),
        ("000023", ["data-table", "data-done"]),
        ("000029", ["data-thread"]),
        ("000061", ["data-bin", "rank"]),
        ("000063", ["data-calc", "data-designer"]),
        ("000073", ["data-links"]),
        ("000079", ["data-diagram"]),
        ("000081", ["data-editor"]),
        ("000083", ["data-hours", "data-calc"]),
    ],
)
def test_features_become_working_widgets(number, marks):
    request = next(row["instruction"] for row in rows() if row["id"] == number)
    html = site(request)["index.html"]
    assert [mark for mark in marks if mark not in html] == []


@pytest.mark.parametrize("request_", CHINESE)
def test_chinese_request_gets_a_chinese_site(request_):
    files = site(request_)
    assert '<html lang="zh-CN">' in files["index.html"]
    text = visible(files)
    assert [word for word in CHINESE[request_] if word not in text] == []
    assert "{{" not in "".join(files.values())


def test_sites_load_nothing_from_elsewhere_and_keep_nothing():
    for key in kinds():
        for path, text in site(f"a {key} website").items():
            loads = re.findall(r'(?:src|href)="(https?:[^"]+)"|url\(|@import|fetch\(', text)
            assert [url for url in loads if "example.com" not in url] == [], (key, path)
            assert "localStorage" not in text
            assert "cookie" not in text


def test_kinds_look_different():
    layouts = {kind["layout"] for kind in kinds().values()}
    assert len(kinds()) >= 20
    assert len(layouts) >= 12
    looks = {site(f"a {kind['names'][0]} {key} site")["style.css"] for key, kind in kinds().items()}
    assert len(looks) >= 20


def test_the_same_request_and_model_give_the_same_site():
    request = "A shop for handmade candles"
    assert site(request) == site(request)
    other = build_site(request, model_id="other", detail="standard").files
    assert set(other) >= {"index.html", "style.css"}


def test_a_site_is_written_to_fit_the_room_there_is():
    request = "A shop for candles with cart, reviews, FAQ, pricing, contact form and a blog"
    for room in (5200, 4096, 3400):
        files = build_site(request, model_id="m", detail="rich", room=room).files
        assert sum(count_tokens(text) for text in files.values()) <= room


def test_asked_colours_stay_readable():
    for background, component in (("navy", "black"), ("white", "lemonchiffon"), ("gray", "gray")):
        files = site(f"A blog. Use {background} as background and {component} for components.")
        found = dict(re.findall(r"--(\w+): ([^;]+);", files["style.css"]))
        assert contrast(found["ink"], found["bg"]) >= 4.5
        assert contrast(found["on"], found["accent"]) >= 4.5


def test_words_of_the_request_are_escaped():
    request = 'A site called "<script>alert(1)</script>" with a <b>menu</b> & more'
    html = site(request)["index.html"]
    assert "<script>alert" not in html
    assert "<b>menu" not in html


@pytest.mark.parametrize(
    "request_", ["", " ", "?", "a" * 5000, "网站", "🙂🙂", "\x00\ud7ff", "[emulate"]
)
def test_any_request_gets_a_page(request_):
    assert "<h1>" in site(request_)["index.html"]


def test_tokens_join_to_the_text_and_rates_are_sensible():
    prose = "The quick brown fox jumps over the lazy dog near the quiet river bank. " * 20
    chinese = "为一家咖啡馆做一个温暖的网站并且展示菜单" * 20
    code = "".join(site("a bakery").values())
    for text, low, high in ((prose, 3.5, 5.5), (chinese, 1.0, 1.45), (code, 2.5, 3.6)):
        assert "".join(split_tokens(text)) == text
        assert low <= len(text) / count_tokens(text) <= high
        assert count_tokens(first_tokens(text, 100)) == 100


def test_every_model_has_its_own_pace_or_manner():
    models = MODELS["openrouter"]
    manners = {(m.habits, m.first_token_seconds, m.tokens_per_second) for m in models}
    assert len(manners) == len(models)
