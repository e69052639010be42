"""SEARCH/REPLACE blocks in the ways models write them."""

import pytest

from builder.reply import EditBlock, EditClosed, FileBlock, ReplyParser, parse_reply

BLOCK = "<<<<<<< SEARCH\nold\n=======\nnew\n>>>>>>> REPLACE\n"


def edits(text: str) -> list[tuple[str, str, str]]:
    """Every edit; the reply must have no error."""
    parsed = parse_reply(text)
    assert parsed.errors == ()
    return [(edit.path, edit.search, edit.replace) for edit in parsed.edits]


def errors(text: str) -> list[tuple[str, str | None]]:
    return [(error.code, error.path) for error in parse_reply(text).errors]


@pytest.mark.parametrize(
    "text",
    [
        f"a.css\n{BLOCK}",
        f"a.css\n\n{BLOCK}",
        f"**a.css**\n```css\n{BLOCK}```\n",
        f"### `a.css`:\n\n```\n{BLOCK}```\n",
        f"```css\na.css\n{BLOCK}```\n",
        f"```css\n/* a.css */\n{BLOCK}```\n",
        f"```css:a.css\n{BLOCK}```\n",
        f"```\na.css\n```\n```css\n{BLOCK}```\n",
        f"a.css\n<source>css\n{BLOCK}</source>\n",
        f"a.css\n~~~~css\n{BLOCK}~~~~\n",
        f"文件：`a.css`：\n{BLOCK}",
        f"a.css\n```bash\n{BLOCK}```\n",
        f"a.css\n```css\n\n{BLOCK}```\n",
        BLOCK.join(["a.css\n", ""]).replace("<<<<<<<", "<<<<<").replace("=======", "====="),
        BLOCK.join(["a.css\n", ""]).replace("<<<<<<<", "<<<<<<<<<").replace(">>>>>>>", ">>>>>>>>>"),
        f"a.css\n{BLOCK}".replace("\n>>>>", "\n  >>>>").replace("<<<< S", "<<<<S"),
        f"a.css\n{BLOCK[:-1]}",
    ],
)
def test_an_edit_is_read_bare_or_fenced(text: str) -> None:
    assert edits(text) == [("a.css", "old\n", "new\n")]


def test_several_edits_share_a_path_until_another_is_named() -> None:
    text = (
        f"a.css\n```css\n{BLOCK}{BLOCK}```\nAlso:\n\n```css\n{BLOCK}```\n\nb.css\n{BLOCK}\n{BLOCK}"
    )
    assert [path for path, _, _ in edits(text)] == ["a.css", "a.css", "a.css", "b.css", "b.css"]


def test_texts_are_literal() -> None:
    old = "$& \\1 &lt; </html> ```\n```js\n\r\n  \t\n"
    new = "$$ \\g<0> `>>>>>>> REPLACE` ~~~\n"
    text = f"a.md\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n"
    assert edits(text) == [("a.md", old, new)]


def test_empty_sides_are_kept_empty() -> None:
    text = "a.css\n<<<<<<< SEARCH\n=======\nnew\n>>>>>>> REPLACE\n"
    assert edits(text) == [("a.css", "", "new\n")]
    text = "a.css\n<<<<<<< SEARCH\nold\n=======\n>>>>>>> REPLACE\n"
    assert edits(text) == [("a.css", "old\n", "")]


@pytest.mark.parametrize(
    "ending", ["=======\n>>>>>>> REPLACE\n```\n", "=======\n```\n", "=======\n\nDone.\n", "======="]
)
def test_a_second_divider_may_end_a_block(ending: str) -> None:
    text = f"a.css\n```css\n<<<<<<< SEARCH\nold\n=======\nnew\n{ending}"
    assert edits(text) == [("a.css", "old\n", "new\n")]


def test_underlined_headings_in_a_text_are_not_taken_for_dividers() -> None:
    block = "a.md\n<<<<<<< SEARCH\nOld\n=====\n=======\nNew\n=====\n>>>>>>> REPLACE\n"
    assert edits(block) == [("a.md", "Old\n=====\n", "New\n=====\n")]


def test_two_equal_dividers_with_text_on_all_sides_are_an_error() -> None:
    text = "a.md\n<<<<<<< SEARCH\nOld\n=======\nx\n=======\nNew\n>>>>>>> REPLACE\n"
    assert (parse_reply(text).edits, errors(text)) == ((), [("malformed_edit", "a.md")])


def test_an_edit_without_a_divider_is_an_error() -> None:
    text = "a.css\n<<<<<<< SEARCH\nold\n>>>>>>> REPLACE\n"
    assert (parse_reply(text).edits, errors(text)) == ((), [("malformed_edit", "a.css")])


def test_an_edit_without_a_path_is_an_error() -> None:
    assert (parse_reply(BLOCK).edits, errors(BLOCK)) == ((), [("missing_path", None)])


@pytest.mark.parametrize("open_", ["<<<<<<< SEARCH\nold\n", "<<<<<<< SEARCH\nold\n=======\nnew\n"])
def test_an_open_edit_is_an_error_and_spares_the_next_blocks(open_: str) -> None:
    assert errors(f"a.css\n{open_}") == [("unclosed_edit", "a.css")]
    parsed = parse_reply(f"a.css\n{open_}\nb.css\n{BLOCK}\nc.css\n```css\nx\n```\n")
    assert parsed.edits == (EditBlock("b.css", "old\n", "new\n"),)
    assert parsed.files == (FileBlock("c.css", "x\n"),)
    assert [(error.code, error.path) for error in parsed.errors] == [("unclosed_edit", "a.css")]
    parsed = parse_reply(f"a.css\n```css\n{open_}```\n\nc.css\n```css\nx\n```\n")
    assert parsed.files == (FileBlock("c.css", "x\n"),)
    assert [(error.code, error.path) for error in parsed.errors] == [("unclosed_edit", "a.css")]


def test_a_stray_end_marker_is_an_error() -> None:
    assert errors("a.css\nnew\n>>>>>>> REPLACE\n") == [("stray_marker", None)]


def test_an_edit_inside_a_whole_file_stores_no_markers() -> None:
    parsed = parse_reply(f"a.css\n```css\nb{{}}\n{BLOCK}```\n")
    assert parsed.files == ()
    assert parsed.edits == (EditBlock("a.css", "old\n", "new\n"),)
    assert [(error.code, error.path) for error in parsed.errors] == [("mixed_block", "a.css")]


def test_an_edit_shown_in_a_shell_block_is_not_an_edit() -> None:
    assert parse_reply(f"```bash\n{BLOCK}```\n").edits == ()


def test_an_edit_of_a_path_outside_the_site_is_an_error() -> None:
    text = f"../a.css\n{BLOCK}"
    assert (parse_reply(text).edits, errors(text)) == ((), [("path_outside", "../a.css")])


def test_files_and_edits_know_their_order() -> None:
    parsed = parse_reply(f"a.css\n{BLOCK}\nb.css\n```css\nx\n```\n\nb.css\n{BLOCK}")
    assert [edit.index for edit in parsed.edits] == [0, 2]
    assert [file.index for file in parsed.files] == [1]


def test_an_edit_is_told_when_it_closes() -> None:
    parser = ReplyParser()
    assert parser.feed(f"a.css\n{BLOCK[:-1]}") == []
    assert parser.feed("\n") == [EditClosed("a.css")]


def test_windows_paths_keep_their_meaning() -> None:
    assert edits(f"src\\css\\_a.css\n{BLOCK}") == [("src/css/_a.css", "old\n", "new\n")]
    assert edits(f"src/my\\_file.css\n{BLOCK}") == [("src/my_file.css", "old\n", "new\n")]


def test_an_edit_shown_in_a_nested_fence_is_content() -> None:
    body = f"# How to edit\n```text\n{BLOCK}```\n"
    parsed = parse_reply(f"README.md\n```markdown\n{body}```\n")
    assert parsed.files == (FileBlock("README.md", body),)
    assert (parsed.edits, parsed.errors) == ((), ())


def test_a_new_text_may_show_a_fence_under_a_path() -> None:
    new = "const help = `\nstyle.css\n```css\nb{}\n```\n`;\n"
    text = f"a.js\n```js\n<<<<<<< SEARCH\nold\n=======\n{new}>>>>>>> REPLACE\n```\n"
    assert edits(text) == [("a.js", "old\n", new)]
