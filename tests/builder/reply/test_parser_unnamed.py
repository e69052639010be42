"""Code without a path of its own: a lone page, a sample, a part that got lost."""

import pytest

from builder.reply import ParsedReply, parse_reply

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


@pytest.mark.parametrize(
    "text",
    [
        PAGE,
        f"\ufeff\n{PAGE}",
        f"Here is your page:\n\n{PAGE}\nIt has one paragraph.",
        FENCED,
        f"Here it is:\n\n{FENCED}\nEnjoy!",
        f"```\n{PAGE}```",
        f"```bash\nls\n```\n\n{FENCED}",
        "```html " + PAGE + "```",
    ],
)
def test_a_lone_page_without_a_path_is_the_index(text: str) -> None:
    assert files(text) == [("index.html", PAGE)]


def test_a_lone_html_fence_is_the_index_even_without_a_doctype() -> None:
    assert files("```html\n<h1>Hi</h1>\n```\n") == [("index.html", "<h1>Hi</h1>\n")]


def test_a_fragment_with_advice_around_it_is_not_a_file() -> None:
    assert files("Add this to the head:\n\n```html\n<link>\n```\n") == []
    assert files("```html\n<link>\n```\nPut it in the head.") == []


def test_a_bare_page_may_stand_under_its_path_and_before_other_files() -> None:
    text = f"about.html\n{PAGE}\nstyle.css\n```css\nx\n```"
    assert files(text) == [("about.html", PAGE), ("style.css", "x\n")]


def test_html_end_tags_in_a_script_do_not_end_a_bare_page() -> None:
    page = "<html>\n<script>\nconst t = `\n</html>\n`;\n</script>\n</html>\n"
    assert files(f"{page}Bye.") == [("index.html", page)]


@pytest.mark.parametrize(
    "text",
    [
        "Run this:\n\n```bash\nnpm i\n```\n",
        "For example:\n\n```js\nconsole.log(1)\n```\n",
        "deploy.sh\n```bash\nnpm i\n```\n",
        "The tree:\n```\nindex.html\nstyle.css\n```\n",
        "```\nindex.html\n```\n",
        "You can use `index.html` and ```code``` inline.\n",
        "Node.js\n```js\nx\n```\n",
        "https://example.com/index.html\n```html\nx\n```\n",
        "e.g.\n```js\nx\n```\n",
        "3.14\n```js\nx\n```\n",
        "",
        "\n",
        "Hello.",
    ],
)
def test_what_has_no_path_is_not_a_file(text: str) -> None:
    assert parse_reply(text) == ParsedReply()


def test_a_tree_of_files_does_not_name_the_next_block() -> None:
    assert files("```\nindex.html\nstyle.css\n```\n\n```css\nx\n```\n") == []


def test_a_path_in_a_fence_of_its_own_names_the_next_one() -> None:
    assert files(f"```\nabout.html\n```\n{FENCED}") == [("about.html", PAGE)]


def test_a_reply_wrapped_in_a_fence_is_read() -> None:
    text = f"```markdown\nindex.html\n{FENCED}\nstyle.css\n```css\nx\n```\n```\n"
    assert files(text) == [("index.html", PAGE), ("style.css", "x\n")]


@pytest.mark.parametrize(
    "prose",
    [
        "And here is the `about.html` page:",
        "**about.html** – who we are:",
        "### about.html\n\nWho we are, in two sections.\n",
        "关于我们页面 about.html 如下：",
    ],
)
def test_a_whole_page_is_named_by_the_prose_above(prose: str) -> None:
    text = f"index.html\n{FENCED}\n{prose}\n{FENCED}"
    assert files(text) == [("index.html", PAGE), ("about.html", PAGE)]


def test_a_page_under_prose_that_names_two_is_not_guessed() -> None:
    parsed = parse_reply(f"x.html\n{FENCED}\na.html and b.html:\n{FENCED}")
    assert [file.path for file in parsed.files] == ["x.html"]
    assert codes(parsed) == [("missing_path", None)]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("In `style.css`, add:\n```css\nb{}\n```\n", "style.css"),
        ("### js/app.js\n\nThe menu.\n\n```javascript\nx\n```\n", "js/app.js"),
        ("Edit index.html as follows\n```html\n<p>\n```\n", "index.html"),
    ],
)
def test_a_part_that_prose_names_is_reported_not_guessed(text: str, path: str) -> None:
    parsed = parse_reply(text)
    assert (parsed.files, codes(parsed)) == ((), [("missing_path", path)])


def test_a_tree_or_styles_before_an_unnamed_page_do_not_hide_it() -> None:
    assert files(f"```\nsite/\n  index.html\n```\n\n{FENCED}") == [("index.html", PAGE)]
    parsed = parse_reply(f"```css\nb{{}}\n```\n\n{FENCED}")
    assert [file.path for file in parsed.files] == ["index.html"]
    assert codes(parsed) == [("missing_path", None)]


def test_a_page_after_code_of_other_languages_is_a_sample() -> None:
    assert files(f"Flask:\n```python\nx\n```\nThe page:\n{FENCED}") == []


def test_unnamed_parts_beside_an_unnamed_page_are_reported() -> None:
    parsed = parse_reply(f"{FENCED}\nThe styles:\n```css\nx\n```\n")
    assert [file.path for file in parsed.files] == ["index.html"]
    assert codes(parsed) == [("missing_path", None)]


def test_a_sample_that_is_never_closed_does_not_swallow_a_file() -> None:
    text = f"For example:\n```js\nfoo()\n\nindex.html\n{FENCED}"
    assert files(text) == [("index.html", PAGE)]
