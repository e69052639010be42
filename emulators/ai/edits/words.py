"""Changing words that are on the page."""

from __future__ import annotations

import re
from html import escape

from emulators.ai.edits.change import Change
from emulators.ai.language import is_chinese

_QUOTE = r"[\"'“”‘’「『《]"
_END = r"[\"'“”‘’」』》]"
_FROM_TO = re.compile(
    rf"{_QUOTE}([^\"“”「」『』《》\n]{{1,200}}?){_END}\s*"
    rf"(?:\w+\s+){{0,3}}?(?:to|with|by|into|改成|改为|换成|替换为|替换成)\s*(?:say\s+|read\s+|be\s+)?"
    rf"{_QUOTE}([^\"“”「」『』《》\n]{{1,200}}?){_END}(?=$|[\s.,;!?。，；！)])",
    re.IGNORECASE,
)
_TITLE = re.compile(
    rf"(?:title|headline|heading|site name|name|标题|名称|名字)[^\"“「《:：\n]{{0,24}}?"
    rf"(?:to|as|be|into|say|改成|改为|换成|叫|[:：])\s*{_QUOTE}?([^\"“”「」《》.。\n]{{2,80}}){_END}?",
    re.IGNORECASE,
)
_TRANSLATE = re.compile(
    r"translat\w*.{0,40}(chinese|english)|(?:翻译|译)[成为]?.{0,10}(中文|英文|英语|汉语)",
    re.IGNORECASE,
)
_EDITS_PER_TEXT = 6
_DICTIONARY = {
    "contact": "联系我们", "contact form": "联系表单", "menu": "菜单", "about us": "关于我们",
    "our story": "我们的故事", "services": "服务", "pricing": "价格", "team": "团队",
    "our team": "我们的团队", "testimonials": "客户评价", "gallery": "图集", "faq": "常见问题",
    "opening hours": "营业时间", "home": "首页", "blog": "博客", "news": "新闻", "shop": "商店",
    "portfolio": "作品集", "welcome": "欢迎", "dashboard": "仪表盘", "events": "活动",
    "bakery": "面包房", "restaurant": "餐厅", "coffee": "咖啡", "travel": "旅行", "school": "学校",
    "stock reports": "股票报告",
}  # fmt: skip


def replace_quoted(change: Change, request: str) -> bool:
    """Replace 'A' by 'B' wherever the request quotes both and the files hold A."""
    done = False
    for old, new in _FROM_TO.findall(request):
        for path in _pages_first(change):
            done |= _replace_text(change, path, old.strip(), new.strip())
    return done


def _pages_first(change: Change) -> list[str]:
    return sorted(change.files, key=lambda path: (not path.endswith(".html"), path))


def _replace_text(change: Change, path: str, old: str, new: str) -> bool:
    lines = change.lines(path)
    is_page = path.endswith((".html", ".svg"))
    candidates = [escape(old, quote=False), escape(old), old] if is_page else [old]
    done = False
    for wanted in dict.fromkeys(candidates):
        hits = [n for n, line in enumerate(lines) if wanted in line]
        for number in hits[:_EDITS_PER_TEXT]:
            put = escape(new, quote=False) if is_page else new
            replaced = lines[number].replace(wanted, put)
            done |= change.replace_lines(path, number, number, replaced)
        if done:
            return True
    return done


def change_title(change: Change, request: str) -> bool:
    """Set the page's title: its h1, its <title> and the name in its header."""
    new = _new_title(change, request)
    if new is None:
        return False
    path = change.main_page()
    lines = change.lines(path)
    old = current_title(lines)
    done = False
    for number, line in enumerate(lines):
        replaced = line
        if old and re.search(r"<h1|<title|class=\"brand\"", line):
            replaced = replaced.replace(escape(old, quote=False), escape(new, quote=False))
            replaced = replaced.replace(escape(old), escape(new))
        if replaced == line:
            replaced = re.sub(
                r"(<(h1|title)\b[^>]*>)[^<]*(</\2>)",
                lambda m: m[1] + escape(new, quote=False) + m[3],
                line,
            )
        if replaced != line:
            done |= change.replace_lines(path, number, number, replaced)
    return done


def current_title(lines: list[str]) -> str | None:
    """The words of the first h1, else of <title>."""
    text = "".join(lines)
    for tag in ("h1", "title"):
        match = re.search(rf"<{tag}\b[^>]*>([^<]+)</{tag}>", text)
        if match:
            return match.group(1).replace("&amp;", "&").replace("&#x27;", "'").strip()
    return None


def _new_title(change: Change, request: str) -> str | None:
    translate = _TRANSLATE.search(request)
    if translate:
        target = (translate.group(1) or translate.group(2)).lower()
        return _translated(change, to_chinese=target in ("chinese", "中文", "汉语"))
    match = _TITLE.search(request)
    if match is None or re.search(r"bigger|larger|smaller|colou?r|更大|变大", request):
        return None
    return match.group(1).strip(" '\"")


def _translated(change: Change, *, to_chinese: bool) -> str | None:
    """The title in the other language, as far as a small dictionary goes."""
    old = current_title(change.lines(change.main_page()))
    if old is None or is_chinese(old) == to_chinese:
        return None
    table = _DICTIONARY if to_chinese else {zh: en for en, zh in _DICTIONARY.items()}
    found = table.get(old.lower())
    if found is None:
        for word, other in sorted(table.items(), key=lambda pair: -len(pair[0])):
            if word in old.lower():
                found = other
                break
    if found is None:
        found = "欢迎光临" if to_chinese else "Welcome"
    text = found if to_chinese else found[:1].upper() + found[1:]
    return f"{text} · {old}"
