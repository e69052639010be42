"""Where files end, what is cut off, and what is never a file."""

import pytest

from builder.reply import FileBlock, ParsedReply, ReplyParser, parse_reply

PAGE = "<!DOCTYPE html>\n<html><p>a</p></html>\n"
FENCED = f"```html\n{PAGE}```\n"


def files(text: str) -> list[tuple[str, str]]:
    """Path and content of every file; the reply must have no error."""
    parsed = parse_reply(text)
    assert parsed.errors == ()
    assert all(file.complete for file in parsed.files)
    return [(file.path, file.content) for file in parsed.files]


def codes(parsed: ParsedReply) -> list[tuple[str, str | None]]:
    return [(error.code, error.path) for error in parsed.errors]


@pytest.mark.parametrize("tag", ["think", "thinking", "THINK", "reasoning"])
def test_reasoning_is_ignored(tag: str) -> None:
    draft = f"<{tag}>\nOkay.\nindex.html\n```html\ndraft\n```\n</{tag}>"
    assert files(f"{draft}\n\nindex.html\n{FENCED}") == [("index.html", PAGE)]
    assert files(f"{draft}index.html\n{FENCED}") == [("index.html", PAGE)]
    assert files(f"<{tag}>{'long ' * 200}</{tag}>index.html\n{FENCED}") == [("index.html", PAGE)]


def test_reasoning_that_never_ends_is_an_error() -> None:
    parsed = parse_reply(f"<think>\nindex.html\n{FENCED}")
    assert (parsed.files, codes(parsed)) == ((), [("unclosed_reasoning", None)])


def test_aiders_source_tags_are_fences() -> None:
    assert files("index.html\n<source>html\n<p>\n</source>\nBye") == [("index.html", "<p>\n")]


def test_a_repeated_file_is_kept_twice_in_order() -> None:
    text = "a.css\n```css\nx\n```\n\na.css\n```css\ny\n```\n"
    assert files(text) == [("a.css", "x\n"), ("a.css", "y\n")]


def test_a_file_cut_off_is_kept_as_incomplete() -> None:
    parser = ReplyParser()
    parser.feed("a.css\n```css\nx{}\n```\n\nb.css\n```css\ny{}\nz")
    parsed = parser.finish(truncated=True)
    assert parsed.files == (FileBlock("a.css", "x{}\n"), FileBlock("b.css", "y{}\nz", False))
    assert codes(parsed) == [("unclosed_file", "b.css")]


def test_an_open_page_that_ends_is_whole_unless_the_reply_was_cut() -> None:
    text = f"index.html\n```html\n{PAGE}"
    assert files(text) == [("index.html", PAGE)]
    assert parse_reply(text, truncated=True).files == (FileBlock("index.html", PAGE, False),)
    parsed = parse_reply("index.html\n```html\n<html>")
    assert parsed.files == (FileBlock("index.html", "<html>", False),)
    assert codes(parsed) == [("unclosed_file", "index.html")]


def test_a_forgotten_closing_fence_does_not_swallow_the_next_file() -> None:
    parsed = parse_reply("a.css\n```css\nx{}\n\n**b.css**\n\n```css\ny{}\n```\n")
    assert parsed.files == (FileBlock("a.css", "x{}\n\n", False), FileBlock("b.css", "y{}\n"))
    assert codes(parsed) == [("unclosed_file", "a.css")]


def test_a_forgotten_fence_after_a_whole_page_is_forgiven() -> None:
    text = f"index.html\n```html\n{PAGE}\nb.css\n```css\ny{{}}\n```\n"
    assert files(text) == [("index.html", PAGE + "\n"), ("b.css", "y{}\n")]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("../../etc/passwd", "path_outside"),
        ("a/../../b.html", "path_outside"),
        ("..\\b.html", "path_outside"),
        ("~/b.html", "path_outside"),
        ("/etc/passwd", "path_absolute"),
        ("/index.html", "path_absolute"),
        ("C:\\x\\b.html", "path_absolute"),
        ("a\x00.html", "path_characters"),
        ("\u202elmth.html", "path_characters"),
    ],
)
def test_a_path_no_site_can_have_is_an_error_and_shows_nothing(path: str, code: str) -> None:
    parser = ReplyParser()
    assert parser.feed(f"{path}\n```html\n<p>\n```\n") == []
    parsed = parser.finish()
    assert (parsed.files, codes(parsed)) == ((), [(code, path)])


def test_a_diff_is_not_stored_as_a_file() -> None:
    parsed = parse_reply("index.html\n```diff\n-a\n+b\n```\n")
    assert (parsed.files, codes(parsed)) == ((), [("unsupported_diff", "index.html")])
