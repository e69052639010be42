"""Whole files in the ways models write them."""

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


@pytest.mark.parametrize(
    "label",
    [
        "index.html",
        "  index.html  ",
        "index.html:",
        "**index.html**",
        "**index.html**:",
        "**index.html:**",
        "`index.html`",
        "**`index.html`**",
        "# index.html",
        "### `index.html`",
        "#### 1. `index.html`:",
        "1. `index.html`",
        "2) index.html",
        "- **index.html**",
        "File: index.html",
        "**File: `index.html`**",
        "Filename: index.html",
        "Path: index.html",
        "New file: index.html",
        "Create file `index.html`:",
        "`index.html` (new)",
        "[index.html](index.html)",
        '"index.html"',
        "<!-- index.html -->",
        "// index.html",
        "文件：index.html",
        "文件：`index.html`：",
        "：`index.html`：",
        "文件名：“index.html”",
        "【index.html】",
        "1、`index.html`（新建）",
        "新建文件 `index.html`：",
        "./index.html",
    ],
)
@pytest.mark.parametrize("gap", ["", "\n", "\n\n"])
def test_a_path_line_names_the_file(label: str, gap: str) -> None:
    assert files(f"Sure.\n\n{label}\n{gap}{FENCED}Done.") == [("index.html", PAGE)]


@pytest.mark.parametrize(
    "opener",
    [
        "```html:index.html",
        "```html: index.html",
        "```html index.html",
        "```index.html",
        "```html{path=index.html}",
        "```html {path='index.html'}",
        '```html title="index.html"',
        '```html filename="index.html" copy',
        "```html file=index.html",
        "```html <!-- index.html -->",
        "~~~html index.html",
        "The page: ```html index.html",
        "**index.html**: ```html",
        "index.html```html",
    ],
)
def test_an_info_string_names_the_file(opener: str) -> None:
    closer = opener[opener.index("~") :][:3] if "~" in opener else "```"
    assert files(f"{opener}\n{PAGE}{closer}\n") == [("index.html", PAGE)]


@pytest.mark.parametrize(
    ("fence", "comment", "path"),
    [
        ("html", "<!-- about.html -->", "about.html"),
        ("html", "<!-- File: pages/about.html -->", "pages/about.html"),
        ("css", "/* css/style.css */", "css/style.css"),
        ("js", "// js/app.js", "js/app.js"),
        ("yaml", "# data/site.yaml", "data/site.yaml"),
        ("jsx", "{path=app.jsx}", "app.jsx"),
    ],
)
def test_a_comment_names_the_file_only_where_no_path_line_does(
    fence: str, comment: str, path: str
) -> None:
    assert files(f"```{fence}\n{comment}\nrest\n```\n") == [(path, "rest\n")]
    assert files(f"own.{fence}\n```{fence}\n{comment}\nrest\n```\n") == [
        (f"own.{fence}", f"{comment}\nrest\n")
    ]


@pytest.mark.parametrize(
    "content",
    [
        '<script>const s = "</html>";</script>\n',
        "<p>&lt;b&gt; &amp; &#39;</p>\n",
        "replace(/x/, '$& $1 \\1')\n",
        "<p>\r\n</p>\r\n",
        "\ufeff<p>\n",
        "a\rb\n",
        "a\u2028b\x0cc\n",
        "<p>你好，世界。👩‍👩‍👧</p>\n",
        "const t = `\n```js\ncode\n```\n`;\n",
        "const t = `\n      ```\n      code\n`;\n",
        'const t = "```";\n',
        "~~~\nother fence\n~~~\n",
        "``\n",
        "<think>not reasoning</think>\n",
        "<<<<<<< HEAD\na\n=======\nb\n>>>>>>> main\n",
        "index.css\nx\n",
        "style.css\n",
        "y" * 1000 + "\n",
        "y" * 1000 + "```x\n",
        "    indented\n\n\n",
        "",
        "\n",
    ],
)
def test_content_is_kept_byte_for_byte(content: str) -> None:
    assert files(f"index.html\n```html\n{content}```\nBye.") == [("index.html", content)]


def test_markers_are_known_with_crlf_and_a_bom() -> None:
    text = (
        "\ufeff**index.html**\r\n\r\n```html\r\n<p>\r\n```\r\n\r\nstyle.css\r\n```css\r\nb{}\r\n```"
    )
    assert files(text) == [("index.html", "<p>\r\n"), ("style.css", "b{}\r\n")]


def test_a_longer_fence_holds_shorter_ones() -> None:
    body = "# Use\n```\nnpm i\n```\n```js\nx\n```\n"
    assert files(f"README.md\n````markdown\n{body}````\n") == [("README.md", body)]
    assert files(f"README.md\n~~~~\n{body}~~~~\n") == [("README.md", body)]


def test_fences_of_equal_length_nest_by_their_info_string() -> None:
    body = "# Use\n```bash\nnpm i\n```\nthen\n\n```js\nx\n```\n"
    text = f"README.md\n```markdown\n{body}```\n\nindex.html\n{FENCED}"
    assert files(text) == [("README.md", body), ("index.html", PAGE)]


def test_a_bare_fence_in_markdown_nests_when_another_one_closes_it() -> None:
    body = "# Use\n\n```\nnpm i\n```\nthen open it\n"
    text = f"README.md\n```markdown\n{body}```\n\nindex.html\n{FENCED}"
    assert files(text) == [("README.md", body), ("index.html", PAGE)]


def test_prose_after_the_fence_of_a_markdown_file_is_not_its_content() -> None:
    text = f"README.md\n```markdown\n# T\n```\nThe page comes next.\n\nindex.html\n{FENCED}"
    assert files(text) == [("README.md", "# T\n"), ("index.html", PAGE)]
    assert files("README.md\n```\n# T\n```\nThat is all.") == [("README.md", "# T\n")]


def test_a_closing_fence_may_be_glued_to_code() -> None:
    assert files("index.html\n```html\n<p></html>```\nok") == [("index.html", "<p></html>")]
    assert files("a.css\n```css\nb{}```\n\nok") == [("a.css", "b{}")]
    long = "<i>" * 400
    assert files(f"index.html\n```html\n{long}```\n\nok") == [("index.html", long)]


def test_a_closing_fence_may_be_followed_by_prose() -> None:
    text = "a.css\n```css\nx\n``` and now the script\n\nb.js\n```js\ny\n```"
    assert files(text) == [("a.css", "x\n"), ("b.js", "y\n")]


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


def test_unnamed_parts_beside_an_unnamed_page_are_reported() -> None:
    parsed = parse_reply(f"{FENCED}\nThe styles:\n```css\nx\n```\n")
    assert [file.path for file in parsed.files] == ["index.html"]
    assert codes(parsed) == [("missing_path", None)]
