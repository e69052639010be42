"""Which paths a site may have."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.reply import UnsafePath, clean_path
from builder.reply.paths import collision


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("index.html", "index.html"),
        (" index.html ", "index.html"),
        ("./a//b/./c.css", "a/b/c.css"),
        ("css\\main.css", "css/main.css"),
        ("cafe\u0301.html", "café.html"),
        ("关于我们.html", "关于我们.html"),
        ("about us.html", "about us.html"),
        (".well-known/security.txt", ".well-known/security.txt"),
        ("a..b.html", "a..b.html"),
        ("console.js", "console.js"),
        ("site.webmanifest", "site.webmanifest"),
        ("INDEX.HTML", "INDEX.HTML"),
        ("1/2/3/4/5/6/7/8.js", "1/2/3/4/5/6/7/8.js"),
        ("a" * 195 + ".html", "a" * 195 + ".html"),
    ],
)
def test_good_paths_are_made_canonical(raw: str, clean: str) -> None:
    assert clean_path(raw) == clean


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("", "path_empty"),
        (" ", "path_empty"),
        (".", "path_empty"),
        ("a/", "path_folder"),
        ("../a.html", "path_outside"),
        ("a/../b.html", "path_outside"),
        ("a\\..\\b.html", "path_outside"),
        ("~/a.html", "path_outside"),
        ("/a.html", "path_absolute"),
        ("\\\\host\\a.html", "path_absolute"),
        ("C:\\a.html", "path_absolute"),
        ("c:a.html", "path_absolute"),
        ("a\x00.html", "path_characters"),
        ("a\n.html", "path_characters"),
        ("a\x7f.html", "path_characters"),
        ("\u202ea.html", "path_characters"),
        ("a\u200b.html", "path_characters"),
        ("a\u2028.html", "path_characters"),
        ("\ud83d.html", "path_characters"),
        (".htaccess", "path_hidden"),
        ("a/.git/b.txt", "path_hidden"),
        ("a/.well-known/b.txt", "path_hidden"),
        ("CON", "path_reserved"),
        ("con.html", "path_reserved"),
        ("a/nul.txt", "path_reserved"),
        ("com1.js", "path_reserved"),
        ("LPT9.tar.html", "path_reserved"),
        ("a./b.html", "path_reserved"),
        ("a /b.html", "path_reserved"),
        ("a.html.", "path_reserved"),
        ("a?.html", "path_forbidden"),
        ("a*.html", "path_forbidden"),
        ("http://a/b.html", "path_forbidden"),
        ("a%2e.html", "path_forbidden"),
        ("setup.py", "path_extension"),
        ("a.php", "path_extension"),
        ("photo.png", "path_extension"),
        ("Makefile", "path_extension"),
        ("1/2/3/4/5/6/7/8/9.js", "path_too_long"),
        ("a" * 196 + ".html", "path_too_long"),
        ("页" * 90 + ".html", "path_too_long"),
    ],
)
def test_bad_paths_are_refused_with_a_reason(raw: str, code: str) -> None:
    with pytest.raises(UnsafePath) as refused:
        clean_path(raw)
    assert refused.value.code == code
    assert refused.value.message.isprintable()


@given(raw=st.text(st.sampled_from("ab./\\:~ .\x00é\u0301\u202ehtml"), max_size=30))
def test_whatever_passes_is_canonical_and_inside(raw: str) -> None:
    try:
        path = clean_path(raw)
    except UnsafePath:
        return
    assert clean_path(path) == path == unicodedata.normalize("NFC", path)
    assert not path.startswith(("/", "~"))
    assert not {"\\", "\x00"} & set(path)
    assert not {"", ".", ".."} & set(path.split("/"))


@pytest.mark.parametrize(
    ("path", "existing", "taken"),
    [
        ("A.html", ["a.html"], "a.html"),
        ("CSS/a.css", ["css/A.css"], "css/A.css"),
        ("straße.html", ["STRASSE.html"], "STRASSE.html"),
        ("a.html/b.css", ["a.html"], "a.html"),
        ("a", ["a/b.css"], "a/b.css"),
        ("a.html", ["a.html"], None),
        ("a.html", ["ab.html", "a.htm"], None),
    ],
)
def test_names_that_collide_on_some_disk(path: str, existing: list[str], taken: str | None) -> None:
    assert collision(path, existing) == taken
