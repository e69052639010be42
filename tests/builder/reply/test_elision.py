"""A file that leaves code out must not replace a whole one."""

import pytest

from builder.reply import AppliedReply, EditBlock, FileBlock, ParsedReply, apply_reply


def edit(content: str, search: str, replace: str) -> AppliedReply:
    edits = (EditBlock("a.html", search, replace),)
    return apply_reply({"a.html": content}, ParsedReply(edits=edits))


def whole(base: dict[str, str], path: str, content: str) -> AppliedReply:
    return apply_reply(base, ParsedReply(files=(FileBlock(path, content),)))


def codes(applied: AppliedReply) -> list[tuple[str, str | None]]:
    return [(error.code, error.path) for error in applied.errors]


@pytest.mark.parametrize(
    "line",
    [
        "<!-- rest of the code unchanged -->",
        "<!-- ... existing code ... -->",
        "<!-- The rest of the page remains the same -->",
        "// ... existing code ...",
        "// ... rest of the functions",
        "// rest of your code here",
        "/* ... other styles unchanged ... */",
        "/* existing styles */",
        "/* 其余代码不变 */",
        "<!-- 其他内容保持不变 -->",
        "// ……此处省略",
        "# ... (existing code remains unchanged)",
        "{/* ... rest of the component stays the same */}",
        "    ... rest of the file ...",
        "<!-- ... -->",
    ],
)
def test_a_file_that_leaves_code_out_does_not_replace_a_whole_one(line: str) -> None:
    base = {"a.html": "<h1>\n<p>\n"}
    applied = whole(base, "a.html", f"<h1>\n{line}\n")
    assert (applied.files, codes(applied)) == (base, [("elided", "a.html")])
    applied = edit("<h1>\n<p>\n", "<h1>\n", f"<h2>\n{line}\n")
    assert (applied.files, codes(applied)) == (base, [("elided", "a.html")])


@pytest.mark.parametrize(
    "line",
    [
        "<!-- Hero section -->",
        "// keep the menu open",
        "/* Rest */",
        "<p>The rest of the code is unchanged.</p>",
        "// Load more items...",
        "<!-- Footer -->",
        "/* same height as the header */",
        "// all other browsers",
        "<!-- 页脚 -->",
        "/* 其他浏览器 */",
        "const rest = [...items];",
        "...items,",
        "# About us",
    ],
)
def test_an_honest_comment_is_no_elision(line: str) -> None:
    applied = whole({"a.html": "<h1>\n"}, "a.html", f"{line}\n")
    assert (applied.files, applied.errors) == ({"a.html": f"{line}\n"}, ())


def test_an_elision_that_was_there_before_is_content() -> None:
    old = "<!-- ... existing code ... -->\n<p>\n"
    applied = whole({"a.html": old}, "a.html", old + "<b>\n")
    assert applied.errors == ()
    assert edit(old, old, old + "<b>\n").errors == ()
