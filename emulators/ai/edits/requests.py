"""Understanding a follow-up request and making the change it asks for."""

from __future__ import annotations

import re

from emulators.ai.edits import looks, sections, words
from emulators.ai.edits.change import Change
from emulators.ai.language import is_chinese

_COLOUR = re.compile(
    r"colou?r|background|\bdark\b|\blight mode|theme|#[0-9a-f]{3,6}\b|palette|色|背景|深色|暗",
    re.IGNORECASE,
)
_SIZE = re.compile(
    r"(bigger|larger|increase|smaller|reduce|decrease).{0,30}(text|font|type|heading|headline|title)|"
    r"(text|font|type|heading|headline|title)s?.{0,20}(bigger|larger|smaller)|字.{0,6}(大|小)",
    re.IGNORECASE,
)
_REMOVE = re.compile(
    r"\b(?:remove|delete|drop|hide|get rid of)\b|删除|去掉|移除|删掉", re.IGNORECASE
)
_PAGE = re.compile(
    r"\b(?:add|create|make|new)\b[^.]{0,40}\bpage\b|(?:新增|增加|添加|加)[^。]{0,12}页",
    re.IGNORECASE,
)
_ADD = re.compile(
    r"\b(?:add|include|insert|put|create|need|want|give)\b|新增|增加|添加|加上|加一|放一|需要",
    re.IGNORECASE,
)


def change_site(request: str, files: dict[str, str]) -> Change:
    """The change that a request asks of these files; it always changes something visible."""
    change = Change(files)
    done: list[str] = []
    chinese = is_chinese(request)
    if words.replace_quoted(change, request):
        done.append("文字" if chinese else "the text")
    elif words.change_title(change, request):
        done.append("标题" if chinese else "the title")
    if not done and _REMOVE.search(request) and sections.remove_section(change, request):
        done.append("删除板块" if chinese else "a section removed")
    elif _PAGE.search(request) and sections.add_page(change, request):
        done.append("新页面" if chinese else "a new page")
    elif _ADD.search(request) and sections.add_sections(change, request):
        done.append("新板块" if chinese else "a new section")
    if _COLOUR.search(request) and looks.change_colours(change, request):
        done.append("配色" if chinese else "the colours")
    if _SIZE.search(request) and looks.change_size(change, request):
        done.append("字号" if chinese else "the size of the text")
    if not done and looks.change_colours(change, request):
        done.append("配色" if chinese else "the colours")
    if not done:
        sections.add_banner(change, request)
        done.append("新横幅" if chinese else "a section with your words")
    change.summary = ("、" if chinese else " and ").join(done)
    return change
