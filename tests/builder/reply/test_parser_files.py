"""Whole files in the ways models write them."""

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
    assert files(f"\ufeff<think>\na.css\n```\nx\n```\n</think>\n{FENCED}") == [("index.html", PAGE)]


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
    long += "`" * 90 + "};"
    assert files(f"index.html\n```html\n{long}```\n\nok") == [("index.html", long)]


def test_a_closing_fence_may_be_followed_by_prose() -> None:
    text = "a.css\n```css\nx\n``` and now the script\n\nb.js\n```js\ny\n```"
    assert files(text) == [("a.css", "x\n"), ("b.js", "y\n")]
