"""Follow-ups: edits stand once in the files and do what was asked."""

import re

import pytest

from emulators.ai.catalog import MODELS
from emulators.ai.edits import change_site
from emulators.ai.sites import build_site
from tests.emulators.wire import listen

BAKERY = build_site(
    "A bakery called Hearth & Crumb with a menu, opening hours and a contact form",
    model_id="m",
    detail="standard",
).files
PLAIN = {
    "index.html": "<!DOCTYPE html>\n<html>\n<head>\n<title>Hi</title>\n</head>\n<body>\n"
    "<h1>Hi</h1>\n<p>same</p>\n<p>same</p>\n</body>\n</html>"
}
REQUESTS = [
    "Change the background to light blue and the buttons to dark red",
    "Make it dark mode",
    "Change the title to “Golden Oven”",
    "Add a pricing table",
    "Add testimonials and a FAQ section",
    "Add a contact form and a photo gallery",
    "Add a new page for our team",
    "Remove the contact form section",
    "Make the text bigger",
    "Translate the title to Chinese",
    'Add a footer note "Made with love"',
    "Make it pop",
    "把背景改成深蓝色",
    "增加一个客户评价板块",
    "新增一个团队页面",
    "字体大一点",
]


@pytest.mark.parametrize("files", [BAKERY, PLAIN], ids=["bakery", "plain"])
@pytest.mark.parametrize("request_", REQUESTS)
def test_every_edit_applies_exactly_once_and_changes_something(files, request_):
    change = change_site(request_, files)
    after = change.applied(files)
    assert after != files
    for edit in change.edits:
        text = "".join(change.lines(edit.path))
        assert text.count(edit.search) == 1
        assert edit.search.endswith("\n")


def test_colours_change_in_the_variables():
    css = change_site(REQUESTS[0], BAKERY).applied(BAKERY)["style.css"]
    assert "--bg: lightblue;" in css
    assert "--accent: darkred;" in css


def test_quoted_text_is_replaced_everywhere_and_escaped():
    after = change_site("change 'Opening hours' to 'When & where'", BAKERY).applied(BAKERY)
    assert "Opening hours" not in after["index.html"]
    assert "<h2>When &amp; where</h2>" in after["index.html"]


def test_title_is_replaced_in_heading_tab_and_header():
    html = change_site("Change the title to “Golden Oven”", BAKERY).applied(BAKERY)["index.html"]
    assert "<h1>Golden Oven</h1>" in html
    assert "<title>Golden Oven</title>" in html
    assert "Hearth" not in html.split("</header>")[0]


def test_added_section_brings_its_styles_and_scripts():
    after = change_site("Add a todo list", BAKERY).applied(BAKERY)
    assert "data-tasks" in after["index.html"].split("</main>")[0]
    assert "progress" in after["style.css"]
    assert "$$('[data-tasks]')" in after["script.js"]
    assert after["script.js"].count("const $$") == 1


def test_added_page_is_linked():
    change = change_site("Add a new page for our team", BAKERY)
    after = change.applied(BAKERY)
    assert list(change.new_files) == ["team.html"]
    assert '<a href="team.html">' in after["index.html"]
    assert '<link rel="stylesheet" href="style.css">' in after["team.html"]


def test_removed_section_goes_with_its_link():
    html = change_site("Remove the contact form section", BAKERY).applied(BAKERY)["index.html"]
    assert "Contact form" not in html


def test_an_unknown_wish_shows_in_the_requests_words():
    html = change_site("Make it sing & dance", BAKERY).applied(BAKERY)["index.html"]
    assert "<h2>Make it sing &amp; dance</h2>" in html


def _prompt(files: dict[str, str], request: str) -> str:
    blocks = "".join(f"{path}\n```\n{text}```\n" for path, text in files.items())
    return f"<files>\n{blocks}</files>\n\n<request>\n{request}\n</request>"


@pytest.mark.parametrize("model", [model.id for model in MODELS["openrouter"]])
def test_each_models_edit_over_the_wire_fits_the_files(ai, model):
    """The path stands right above its block or fence, whatever the model's manner."""
    prompt = _prompt(BAKERY, "Change the background to navy")
    text = listen(ai, "openrouter", prompt, model=model).text.replace("\r\n", "\n")
    blocks = re.findall(r"<<<<<<< SEARCH\n(.*?)=======\n(.*?)>>>>>>> REPLACE", text, re.DOTALL)
    assert re.search(r"^\W*(?:File: )?style\.css\W*\n(?:```|<<<<<<<)", text, re.MULTILINE)
    if blocks:
        assert all(BAKERY["style.css"].count(search) == 1 for search, _ in blocks)
    assert "--bg: navy;" in text


def test_reply_parser_of_the_app_takes_every_models_manner(ai):
    reply = pytest.importorskip("builder.reply")
    for model in MODELS["openrouter"]:
        for prompt, base in (
            ("<request>a bakery</request>", {}),
            (_prompt(BAKERY, "make it dark mode"), BAKERY),
        ):
            parser = reply.ReplyParser()
            parser.feed(listen(ai, "openrouter", prompt, model=model.id).text)
            applied = reply.apply_reply(base, parser.finish(truncated=False))
            assert applied.errors == (), (model.id, applied.errors)
            assert "style.css" in applied.changed, model.id
