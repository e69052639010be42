"""Writing a model's reply: a site or edits, in that model's own format."""

from __future__ import annotations

from collections.abc import Sequence

from emulators.ai.catalog import Habits
from emulators.ai.edits import Change, Edit, change_site
from emulators.ai.language import is_chinese
from emulators.ai.pictures import FIGURE_TOKENS, SeenPicture, show_in_change, show_in_site
from emulators.ai.sites import build_site

_FENCE_NAMES = {"html": "html", "css": "css", "js": "javascript", "json": "json", "svg": "xml"}


def write_reply(
    *,
    request: str,
    files: dict[str, str],
    model_id: str,
    habits: Habits,
    room_tokens: int,
    pictures: Sequence[SeenPicture] = (),
) -> str:
    """The whole reply to a request: a new site, or changes to the files that came with it.

    The same request, files and model give the same reply. `room_tokens` is what the
    answer may hold: a model that knows it has little room writes less. `pictures` are shown
    at the top of the start page.
    """
    chinese = is_chinese(request)
    if files:
        change = change_site(request, files)
        show_in_change(change, pictures, chinese)
        body = _change_text(change, files, habits)
        opening, closing = _change_prose(change, chinese)
    else:
        site = build_site(
            request,
            model_id=model_id,
            detail=habits.detail,
            room=room_tokens - FIGURE_TOKENS * len(pictures),
        )
        show_in_site(site.files, pictures, chinese)
        body = _files_text(site.files, habits)
        opening, closing = _site_prose(site.name, list(site.files), chinese)
    parts = []
    if habits.thinks_aloud:
        parts.append(f"<think>\n{_thought(request, chinese)}\n</think>\n")
    if habits.preamble:
        parts.append(opening)
    parts.append(body)
    if habits.closing:
        parts.append(closing)
    text = "\n".join(parts) + "\n"
    return text.replace("\n", "\r\n") if habits.crlf else text


def refusal_text(request: str) -> str:
    """A polite no, without any file."""
    if is_chinese(request):
        return "抱歉，我无法协助制作这样的网站。如果您愿意，可以换一个主题，我很乐意帮忙。"
    return (
        "I'm sorry, but I can't help with creating that website. "
        "I'd be glad to help with another one."
    )


def odd_reply(kind: str, request: str, files: dict[str, str]) -> str:
    """A reply that yields nothing usable: prose, an edit that matches nothing, broken files."""
    if kind == "edit_without_match":
        path = next(iter(files), "index.html")
        search = "<p>This line is in none of the files.</p>"
        return f"{path}\n<<<<<<< SEARCH\n{search}\n=======\n<p>Changed.</p>\n>>>>>>> REPLACE\n"
    if kind == "broken_files":
        return "../../etc/passwd\n```\nroot\n```\n\n```html\n<p>No path stands above me.</p>\n```\n"
    return (
        f"What a nice idea! For “{request[:80]}” I would start with a clear headline, then show "
        "what you offer, and end with a way to get in touch. Shall I go ahead?\n"
    )


def _path_line(path: str, habits: Habits) -> str:
    return {
        "plain": path,
        "bold": f"**{path}**",
        "backticks": f"`{path}`",
        "heading": f"### {path}",
        "comment": f"// File: {path}",
        "bold_backticks": f"**`{path}`**",
    }[habits.path]


def _fence(path: str, habits: Habits) -> str:
    name = _FENCE_NAMES.get(path.rsplit(".", 1)[-1], "")
    return "```" + (name if habits.fence_language else "")


def _files_text(files: dict[str, str], habits: Habits) -> str:
    blocks = []
    for path, content in files.items():
        body = content if content.endswith("\n") else content + "\n"
        blocks.append(f"{_path_line(path, habits)}\n{_fence(path, habits)}\n{body}```\n")
    return "\n".join(blocks)


def _change_text(change: Change, files: dict[str, str], habits: Habits) -> str:
    if habits.edits == "whole_files":
        changed = change.applied(files)
        return _files_text({path: changed[path] for path in change.paths()}, habits)
    blocks = [_edit_text(path, edits, habits) for path, edits in change.by_path().items()]
    if change.new_files:
        blocks.append(_files_text(change.new_files, habits))
    return "\n".join(blocks)


def _edit_text(path: str, edits: list[Edit], habits: Habits) -> str:
    line = _path_line(path, habits)
    blocks = [
        f"<<<<<<< SEARCH\n{edit.search}=======\n{edit.replace}>>>>>>> REPLACE\n" for edit in edits
    ]
    if habits.edits == "bare":
        return f"{line}\n" + "".join(blocks)
    return "\n".join(f"{line}\n{_fence(path, habits)}\n{block}```\n" for block in blocks)


def _site_prose(name: str, paths: list[str], chinese: bool) -> tuple[str, str]:
    listed = "、".join(paths) if chinese else ", ".join(paths)
    if chinese:
        return (
            f"好的！下面是「{name}」的完整网站。\n",
            f"\n以上文件（{listed}）放在同一目录即可使用，布局适配手机和电脑。如需修改请告诉我。",
        )
    return (
        f"Here is a complete website for {name}, ready to open in a browser.\n",
        f"\nThe site is made of {listed}; it adapts to phones and desktops. "
        "Tell me what you would like to change.",
    )


def _change_prose(change: Change, chinese: bool) -> tuple[str, str]:
    if chinese:
        return f"好的，已按要求修改：{change.summary}。\n", "\n修改完成，如需调整请告诉我。"
    return (
        f"Sure, here is the change: {change.summary}.\n",
        "\nThat is all that had to change. Let me know if you would like to adjust it further.",
    )


def _thought(request: str, chinese: bool) -> str:
    short = " ".join(request.split())[:120]
    if chinese:
        return f"用户想要：{short}。先确定页面结构，再选配色，最后补上交互。"
    return (
        f"The user asks: {short}. I should settle the structure first, then the palette, "
        "then the small interactions. Let me write index.html, then the styles."
    )
