"""Applying replies: what is sure is done, what is not is an error, and nothing else moves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.reply import (
    AppliedReply,
    EditBlock,
    FileBlock,
    ParsedReply,
    ReplyError,
    apply_reply,
    parse_reply,
)


def edit(content: str, search: str, replace: str, path: str = "a.html") -> AppliedReply:
    return apply_reply({path: content}, ParsedReply(edits=(EditBlock(path, search, replace),)))


def whole(base: dict[str, str], path: str, content: str) -> AppliedReply:
    return apply_reply(base, ParsedReply(files=(FileBlock(path, content),)))


def codes(applied: AppliedReply) -> list[tuple[str, str | None]]:
    return [(error.code, error.path) for error in applied.errors]


def test_a_new_file_is_added_and_the_base_is_not_touched() -> None:
    base = {"a.html": "a\n"}
    applied = whole(base, "b.css", "b\n")
    assert applied == AppliedReply({"a.html": "a\n", "b.css": "b\n"}, ("b.css",), ())
    assert base == {"a.html": "a\n"}


def test_the_same_bytes_are_no_change() -> None:
    assert whole({"a.html": "a\n"}, "a.html", "a\n").changed == ()
    assert edit("a\n", "a\n", "a\n").changed == ()


def test_an_exact_edit_replaces_whole_lines() -> None:
    applied = edit("one\ntwo\nthree\n", "two\n", "2\n2b\n")
    assert applied == AppliedReply({"a.html": "one\n2\n2b\nthree\n"}, ("a.html",), ())


def test_a_replacement_is_literal() -> None:
    new = "$& $1 \\1 \\g<0> &lt; \\n {x} %s\n"
    assert edit("x\nold\ny\n", "old\n", new).files["a.html"] == f"x\n{new}y\n"


def test_a_line_is_not_found_inside_another_line() -> None:
    applied = edit("  background-color: red;\n", "color: red;\n", "color: blue;\n")
    assert codes(applied) == [("search_not_found", "a.html")]
    assert edit("red\n<p>red</p>\n", "red\n", "x\n").files["a.html"] == "x\n<p>red</p>\n"


def test_a_part_of_a_line_is_replaced_where_it_stands_once() -> None:
    applied = edit("<div><h1>Old</h1></div>\n", "<h1>Old</h1>\n", "<h1>New</h1>\n")
    assert applied.files["a.html"] == "<div><h1>New</h1></div>\n"
    applied = edit("<b>x</b><b>x</b>\n", "<b>x</b>\n", "y\n")
    assert codes(applied) == [("search_ambiguous", "a.html")]


def test_no_match_and_two_matches_are_errors_and_change_nothing() -> None:
    applied = edit("a\nb\na\n", "a\n", "c\n")
    assert (applied.files, applied.changed) == ({"a.html": "a\nb\na\n"}, ())
    assert codes(applied) == [("search_ambiguous", "a.html")]
    applied = edit("a\n", "z\n", "c\n")
    assert (applied.files, codes(applied)) == (
        {"a.html": "a\n"},
        [("search_not_found", "a.html")],
    )


def test_overlapping_matches_are_ambiguous() -> None:
    assert codes(edit("a\na\na\n", "a\na\n", "c\n")) == [("search_ambiguous", "a.html")]


def test_an_exact_match_wins_over_looser_ones() -> None:
    assert edit("  a\na\na  \n", "a\n", "c\n").files["a.html"] == "  a\nc\na  \n"


def test_trailing_white_space_is_forgiven_where_unique() -> None:
    assert edit("a  \nb\t\nc\n", "a\nb\n", "x\n").files["a.html"] == "x\nc\n"
    assert edit("a\nb\n", "a  \n", "x\n").files["a.html"] == "x\nb\n"
    assert codes(edit("a \na\t\n", "a\n", "x\n")) == [("search_ambiguous", "a.html")]
    assert edit("a \n  a\n", "a\n", "x\n").files["a.html"] == "x\n  a\n"


def test_line_ends_are_forgiven_and_the_file_keeps_its_own() -> None:
    assert edit("a\r\nb\r\nc\r\n", "b\n", "x\ny\n").files["a.html"] == "a\r\nx\r\ny\r\nc\r\n"
    assert edit("a\nb\nc\n", "b\r\n", "x\r\ny\r\n").files["a.html"] == "a\nx\ny\nc\n"
    assert edit("a\r\nb\r\n", "b\r\n", "x\n").files["a.html"] == "a\r\nx\n"


def test_a_last_line_without_an_end_stays_without_one() -> None:
    assert edit("a\nb", "b\n", "c\n").files["a.html"] == "a\nc"
    assert edit("a\nb\n", "b", "c\n").files["a.html"] == "a\nc\n"


def test_a_uniform_shift_of_indentation_is_forgiven_both_ways() -> None:
    content = "<div>\n    <ul>\n      <li>\n\n    </ul>\n</div>\n"
    applied = edit(content, "<ul>\n  <li>\n\n</ul>\n", "<ol>\n\n  <li>\n</ol>\n")
    assert applied.files["a.html"] == "<div>\n    <ol>\n\n      <li>\n    </ol>\n</div>\n"
    applied = edit("a {\n  b\n}\n", "    a {\n      b\n    }\n", "    a {\n      c\n    }\n")
    assert applied.files["a.html"] == "a {\n  c\n}\n"
    applied = edit("\t\ta\n\t\t\tb\n", "a\n\tb\n", "c\n\td\n")
    assert applied.files["a.html"] == "\t\tc\n\t\t\td\n"


def test_an_uneven_shift_is_not_forgiven() -> None:
    assert codes(edit("  a\n     b\n", "a\nb\n", "x\n")) == [("search_not_found", "a.html")]
    assert codes(edit("a\n", "    a\n", "  x\n")) == [("search_not_found", "a.html")]
    assert codes(edit("  a\n    a\n", "a\n", "x\n")) == [("search_ambiguous", "a.html")]


def test_a_near_match_is_never_guessed() -> None:
    content = "<p>Hello, world, how are you today?</p>\n"
    applied = edit(content, "<p>Hello, world, how are you today!</p>\n", "x\n")
    assert codes(applied) == [("search_not_found", "a.html")]


def test_edits_are_applied_in_order_and_one_by_one() -> None:
    edits = (
        EditBlock("a.css", "a\n", "b\n", 0),
        EditBlock("a.css", "z\n", "y\n", 1),
        EditBlock("a.css", "b\n", "c\n", 2),
    )
    applied = apply_reply({"a.css": "a\n"}, ParsedReply(edits=edits))
    assert applied.files == {"a.css": "c\n"}
    assert codes(applied) == [("search_not_found", "a.css")]


def test_files_and_edits_on_one_path_follow_the_reply() -> None:
    block = "a.css\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE\n"
    file = "a.css\n```css\nx\n```\n"
    assert apply_reply({}, parse_reply(file + block)).files == {"a.css": "y\n"}
    applied = apply_reply({"a.css": "x\n"}, parse_reply(block + file))
    assert (applied.files, applied.changed) == ({"a.css": "x\n"}, ())


def test_the_last_of_two_files_on_one_path_stands() -> None:
    parsed = parse_reply("a.css\n```css\nx\n```\n\na.css\n```css\ny\n```\n")
    assert apply_reply({}, parsed).files == {"a.css": "y\n"}


def test_an_empty_search_makes_a_file_but_never_overwrites_one() -> None:
    applied = apply_reply({}, ParsedReply(edits=(EditBlock("a.html", "", "new\n"),)))
    assert applied.files == {"a.html": "new\n"}
    assert edit(" \n", "\n", "new\n").files == {"a.html": "new\n"}
    assert codes(edit("old\n", "", "new\n")) == [("search_empty", "a.html")]


def test_an_edit_of_a_missing_file_is_an_error() -> None:
    applied = apply_reply({}, ParsedReply(edits=(EditBlock("a.html", "x\n", "y\n"),)))
    assert (applied.files, codes(applied)) == ({}, [("file_missing", "a.html")])


def test_an_incomplete_file_is_not_stored() -> None:
    applied = apply_reply({"a.css": "old\n"}, parse_reply("a.css\n```css\nnew", truncated=True))
    assert applied.files == {"a.css": "old\n"}
    assert codes(applied) == [("unclosed_file", "a.css"), ("incomplete_file", "a.css")]


def test_the_parsers_errors_come_first() -> None:
    error = ReplyError("unclosed_edit", "An edit has no end.", "b.css")
    parsed = ParsedReply(edits=(EditBlock("a.css", "x", "y"),), errors=(error,))
    assert apply_reply({}, parsed).errors[0] == error


def test_unsafe_paths_are_refused_with_their_reason() -> None:
    names = ["../a.html", "CON.html", ".env", "setup.py", "/a.html", "a\x00.html"]
    parsed = ParsedReply(files=tuple(FileBlock(name, "x") for name in names))
    applied = apply_reply({}, parsed)
    assert applied.files == {}
    assert [code for code, _ in codes(applied)] == [
        "path_outside",
        "path_reserved",
        "path_hidden",
        "path_extension",
        "path_absolute",
        "path_characters",
    ]


def test_paths_are_stored_clean() -> None:
    assert whole({}, ".\\css\\cafe\u0301.css", "x").files == {"css/café.css": "x"}


@pytest.mark.parametrize("path", ["Index.html", "index.html/a.css"])
def test_a_name_that_collides_is_refused(path: str) -> None:
    applied = whole({"index.html": "x"}, path, "y")
    assert (applied.files, codes(applied)) == ({"index.html": "x"}, [("path_collision", path)])


def test_the_limits_are_errors_and_the_rest_is_stored() -> None:
    blocks = [FileBlock(f"{n}.txt", "x", True, n) for n in range(101)]
    applied = apply_reply({}, ParsedReply(files=tuple(blocks)))
    assert (len(applied.files), codes(applied)) == (100, [("too_many_files", "100.txt")])
    applied = whole({}, "a.txt", "é" * 500_001)
    assert (applied.files, codes(applied)) == ({}, [("file_too_large", "a.txt")])
    assert codes(whole({}, "a.txt", "é" * 500_000)) == []
    blocks = [FileBlock(f"{n}.txt", "x" * 1_000_000, True, n) for n in range(6)]
    applied = apply_reply({}, ParsedReply(files=tuple(blocks)))
    assert (len(applied.files), codes(applied)) == (5, [("site_too_large", "5.txt")])


@pytest.mark.parametrize("content", ["a\x00b", "\ud83d"])
def test_what_no_database_can_hold_is_refused(content: str) -> None:
    assert codes(whole({}, "a.txt", content)) == [("not_text", "a.txt")]


lines = st.lists(st.sampled_from(["a", "b", " a", "  b", "", "a ", "é", "<p>$&</p>"]), max_size=12)
ends = st.sampled_from(["\n", "\r\n"])


@settings(max_examples=500, deadline=None)
@given(before=lines, old=lines, after=lines, new=lines, end=ends, search_end=ends)
def test_bytes_outside_the_match_never_change(
    before: list[str], old: list[str], after: list[str], new: list[str], end: str, search_end: str
) -> None:
    def text(some: list[str], line_end: str) -> str:
        return "".join(line + line_end for line in some)

    marked = ["<old>", *old, "</old>"]
    content = text(before, end) + text(marked, end) + text(after, end)
    applied = edit(content, text(marked, search_end), text(new, search_end))
    assert applied.errors == ()
    assert applied.files["a.html"] == text(before, end) + text(new, end) + text(after, end)


@settings(max_examples=500, deadline=None)
@given(content=lines, search=lines, replace=lines)
def test_an_edit_is_done_once_or_not_at_all(
    content: list[str], search: list[str], replace: list[str]
) -> None:
    old, wanted, new = ("\n".join(some) + "\n" for some in (content, search, replace))
    applied = edit(old, wanted, new)
    after = applied.files["a.html"]
    if applied.errors:
        assert after == old
    elif wanted.strip() and old.strip():
        exact = f"\n{old}".count(f"\n{wanted}")
        if exact == 1:
            assert after == f"\n{old}".replace(f"\n{wanted}", f"\n{new}")[1:]
        assert exact <= 1
