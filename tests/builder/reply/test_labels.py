"""The quick no to a line that can be no file's label is never a wrong one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from builder.reply.labels import _can_be_no_label, _peeled_to_path, path_from_label

_PIECES = """
index.html a.css src/app.js ../x ~/y Makefile LICENSE file path name filename the new create
updated File 文件 新建 文件路径 ( ) （ ） [ ] < > ` ** * " ' “ ” : ： = , ; ， ； 。 、 # ## - + 1.
2) (3) { } | ? / \\ \\_ _ . word 12 你好 modified .env node.js C:\\ http:// !
"""
PIECES = _PIECES.split()


@settings(max_examples=3000)
@given(pieces=st.lists(st.sampled_from([*PIECES, " ", "  ", "\t"]), min_size=1, max_size=9))
def test_a_quick_no_is_never_wrong(pieces):
    text = "".join(pieces).strip()
    if _can_be_no_label(text):
        assert _peeled_to_path(text) is None


def test_what_is_no_label_is_seen_quickly_and_a_label_is_not_missed():
    for line in ("</section>", "<p>Hello there", "const x = document.querySelector('.a');"):
        assert _can_be_no_label(line)
    for line in (
        "### 2. `index.html`:",
        "File: css/a.css (new)",
        "新建文件：js/app.js",
        "**Makefile**",
    ):
        assert path_from_label(line) is not None
