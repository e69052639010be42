"""However a reply is cut, the parser finds the same, in linear time, and never fails."""

import json
import random
import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builder.reply import (
    Event,
    FileClosed,
    FileOpened,
    FileText,
    ParsedReply,
    ReplyParser,
    apply_reply,
    clean_path,
    parse_reply,
)

TRANSCRIPTS = Path(__file__).parents[3] / "../shared/data/edit-transcripts.jsonl"

# Whatever means something to the parser, and what lies close to it.
FRAGMENTS = """
index.html|style.css|js/app.js|README.md|**about.html**|`x.css`：|1. a.js|### `b.html`
../up.html|/etc/passwd|C:\\x.html|con.html|setup.py|File: a.css|文件：a.html
```|```|```html|```css|```md|```bash|````|`|``|~~~|~~~~html|```diff|```markdown
```html:index.html|```css title="a.css"|```tsx{path=a.tsx}|<source>html|</source>
<<<<<<< SEARCH|<<<<<|=======|=====|>>>>>>> REPLACE|>>>>> REPLACE|<<<<<<<<<<
<think>|</think>|<thinking>|</thinking>|<!DOCTYPE html>|<html>|</html>|<script>|</script>
<!-- index.html -->|/* a.css */|// a.js|# README.md|<p>text</p>|body{color:red}|}|;
你好|👩‍👩‍👧|&lt;|$&|\\1
"""
PIECES = [
    *(piece for line in FRAGMENTS.strip().split("\n") for piece in line.split("|")),
    *("\r", " ", "   ", "\t", "x" * 239, "y" * 300, "`" * 90, "` " * 130),
    *("\ufeff", "\ud83d", "\ude00", "\u2028", "\x0c", "a\x00.html", "\u202ea.js"),
    *("index.html\n```html", "style.css\n```", "```\n\nnew.css\n```css\na{}\n```"),
    "style.css\n<<<<<<< SEARCH\nbody{color:red}\n=======\nbody{}\n>>>>>>> REPLACE",
]
LINE_ENDS = ["\n", "\n", "\n", "\n", "\r\n", "\n\n", ""]
replies = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), st.sampled_from(LINE_ENDS)
    ).map("".join),
    max_size=40,
).map("".join)


def run_in_chunks(chunks: Iterable[str]) -> tuple[list[Event], ParsedReply]:
    parser = ReplyParser()
    events: list[Event] = []
    for chunk in chunks:
        events += parser.feed(chunk)
    parsed = parser.finish()
    return events + parser.final_events, parsed


def shown(events: Iterable[Event]) -> list[object]:
    """The events with neighbouring texts joined: what a reader of the stream ends up with."""
    out: list[object] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, FileText) and isinstance(last, FileText) and last.path == event.path:
            out[-1] = FileText(event.path, last.text + event.text)
        else:
            out.append(event)
    return out


def cuts(text: str, at: Iterable[int]) -> list[str]:
    places = sorted({0, len(text), *(min(place, len(text)) for place in at)})
    return [text[a:b] for a, b in pairwise(places)]


def assert_streams_what_it_stores(events: list[Event], parsed: ParsedReply) -> None:
    """Every stored file was opened, and its texts join to the stored content."""
    opened: list[tuple[str, list[str], list[bool]]] = []
    for event in events:
        if isinstance(event, FileOpened):
            opened.append((event.path, [], []))
        elif isinstance(event, FileText):
            assert opened[-1][0] == event.path
            opened[-1][1].append(event.text)
        elif isinstance(event, FileClosed):
            opened[-1][2].append(True)
    streamed = [(path, "".join(texts), bool(closed)) for path, texts, closed in opened]
    stored = [(file.path, file.content, file.complete) for file in parsed.files]
    dropped = {error.path for error in parsed.errors if error.code == "mixed_block"}
    assert [one for one in streamed if one in stored or one[0] not in dropped] == stored


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=replies, at=st.lists(st.integers(0, 2000), max_size=12))
def test_any_chunking_finds_the_same(text: str, at: list[int]) -> None:
    events, parsed = run_in_chunks([text])
    for chunks in (cuts(text, at), list(text)):
        other_events, other = run_in_chunks(chunks)
        assert other == parsed
        assert [block.index for block in other.files] == [block.index for block in parsed.files]
        assert shown(other_events) == shown(events)
    assert_streams_what_it_stores(events, parsed)


def test_ten_thousand_random_replies_never_raise() -> None:
    draw = random.Random(20_240_817)
    base = {"index.html": "<p>text</p>\n", "style.css": "body{color:red}\n", "README.md": "x\n"}
    stored = 0
    for _ in range(10_000):
        text = "".join(
            draw.choice(PIECES) + draw.choice(LINE_ENDS) for _ in range(draw.randrange(30))
        )
        at = [draw.randrange(600) for _ in range(draw.randrange(8))]
        events, parsed = run_in_chunks(cuts(text, at))
        assert parsed == parse_reply(text)
        assert_streams_what_it_stores(events, parsed)
        applied = apply_reply(base, parsed)
        assert all(clean_path(path) == path for path in applied.files)
        json.dumps([applied.files[path] for path in applied.changed]).encode()
        "".join(applied.files.values()).encode("utf-8")
        stored += len(applied.changed)
    assert stored > 1000  # the texts do hold files and edits


@pytest.mark.skipif(not TRANSCRIPTS.exists(), reason="../shared/data is not here")
def test_real_replies_are_found_the_same_in_every_chunking() -> None:
    draw = random.Random(7)
    for row in TRANSCRIPTS.read_text().splitlines():
        text = json.loads(row)["text"]
        for reply in (text, text.replace("\n", "\r\n")):
            _, parsed = run_in_chunks([reply])
            at = [draw.randrange(len(reply) + 1) for _ in range(30)]
            assert run_in_chunks(cuts(reply, at))[1] == parsed
        assert run_in_chunks(text)[1] == parse_reply(text)


@pytest.mark.parametrize("at", range(1, 95))
def test_a_cut_inside_any_marker_changes_nothing(at: int) -> None:
    text = (
        "\ufeffindex.html\r\n```html\r\n<p>👩‍👩‍👧</p>\r\n```\r\n"
        "x.css\r\n<<<<<<< SEARCH\r\na\r\n=======\r\nb\r\n>>>>>>> REPLACE"
    )
    _, parsed = run_in_chunks([text[:at], text[at:]])
    assert parsed.files[0].content == "<p>👩‍👩‍👧</p>\r\n"
    assert (parsed.edits[0].path, parsed.edits[0].search, parsed.edits[0].replace) == (
        "x.css",
        "a\r\n",
        "b\r\n",
    )
    assert parsed.errors == ()


WORST_CASES = {
    "a page of many lines": "index.html\n```html\n" + "  <li>item</li>\n" * 16_000 + "```\n",
    "a page of one line": "index.html\n```html\n" + "<li>item</li>" * 20_000 + "\n```\n",
    "backticks": "index.html\n```html\n" + "`" * 250_000,
    "open edits": "a.css\n" + "<<<<<<< SEARCH\n" * 17_000,
    "fences in doubt": "a.md\n```\n```\nx\n" + "b.md\n~~~\n~~~\ny\n" * 15_000,
    "paths": "index.html\n```html\n" + "b.css\n\n" * 35_000,
    "reasoning": "<think>a</think>\n" * 15_000,
    "spaces": " " * 250_000,
}


@pytest.mark.parametrize("name", WORST_CASES)
def test_work_grows_with_the_text_not_its_square(name: str) -> None:
    text = WORST_CASES[name]

    def examined(text: str) -> int:
        parser = ReplyParser()
        for at in range(0, len(text), 16):
            parser.feed(text[at : at + 16])
        parser.finish()
        return parser.characters_examined

    assert examined(text) <= 4 * len(text)


def test_calls_per_character_do_not_grow_with_the_text() -> None:
    """Counts every Python call, so that work hidden outside the reader would show."""

    def calls(lines: int) -> float:
        text = "index.html\n```html\n" + "  <li>item</li>\n" * lines + "```\n"
        count = 0

        def trace(frame: object, event: str, arg: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        parser = ReplyParser()
        sys.setprofile(trace)
        try:
            for at in range(0, len(text), 8):
                parser.feed(text[at : at + 8])
            parser.finish()
        finally:
            sys.setprofile(None)
        return count / len(text)

    assert calls(4000) <= 1.05 * calls(500)


def test_a_file_is_shown_before_it_is_complete() -> None:
    parser = ReplyParser()
    assert parser.feed("Here it is.\n\nindex.html\n```html\n") == []
    assert parser.feed("<h1>One</h1>\n<h2>") == [
        FileOpened("index.html"),
        FileText("index.html", "<h1>One</h1>\n"),
    ]
    assert parser.feed("Two</h2>\n``") == [FileText("index.html", "<h2>Two</h2>\n")]
    assert parser.feed("`\n") == [FileClosed("index.html")]


def test_a_long_line_is_shown_while_it_comes() -> None:
    parser = ReplyParser()
    parser.feed("index.html\n```html\n" + "x" * 300)
    assert parser.feed("y" * 50) == [FileText("index.html", "y" * 50)]
    assert parser.feed("</p>```") == [FileText("index.html", "</p>")]
    assert parser.feed("</html>```\n") == [FileText("index.html", "```</html>")]


def test_runs_of_backticks_in_a_long_line_are_cut_alike() -> None:
    line = "y" * 300 + "`" * 90 + "};```"
    text = f"a.js\n```js\n{line}\n\nDone."
    assert run_in_chunks(text)[1] == run_in_chunks([text])[1] == parse_reply(text)
    assert parse_reply(text).files[0].content == line.removesuffix("```")


def test_feeding_after_the_end_is_a_fault_of_the_caller() -> None:
    parser = ReplyParser()
    parsed = parser.finish()
    assert parser.finish() is parsed
    with pytest.raises(RuntimeError):
        parser.feed("x")
