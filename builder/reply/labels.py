"""Finding a file's path in the ways models write it: above a fence, in its info, in a comment.

Only shapes are judged here; whether the path may be stored is `paths.clean_path`'s to say.
"""

import re

_ENDS = " \t\r\n\ufeff\u200b\u200c\u200d\u2060\u00a0\u3000"
_LEAD = re.compile(r"(?:#{1,6}[ \t]*|[-+*•·][ \t]+|\(?\d{1,3}[.)、．）][ \t]*)+")
_WORD = re.compile(
    r"(?:(?:the|new|updated?|creat(?:e|ed|ing)|modif(?:y|ied)|full|complete)[ \t]+)*"
    r"(?:file[ \t]?(?:name|path)?|path|name)[ \t]*(?:[:：=][ \t]*|(?=[`*\"“]))"
    r"|(?:新建|新增|创建|修改|更新|完整)?(?:文件路径|文件名称|文件名|文件|路径)[ \t]*[:：]?[ \t]*",
    re.IGNORECASE,
)
_NOTE = re.compile(r"(?<=[\w`*\"”])[ \t]*[(（][^()（）]{0,80}[)）]$")
_LINK = re.compile(r"\[([^\]\[]+)\]\([^()]*\)")
_PAIRS = (
    ("**", "**"), ("`", "`"), ("*", "*"), ('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"),
    ("「", "」"), ("『", "』"), ("【", "】"), ("《", "》"), ("〈", "〉"), ("[", "]"), ("(", ")"),
    ("（", "）"), ("<", ">"),
)  # fmt: skip
_TRAILING = ":：,，;；。、"

_EXTENSION = re.compile(r"[^/\\]\.([A-Za-z0-9]{1,12})$")
_EXTENSIONS_TEXT = """
html htm xhtml css scss sass less js mjs cjs jsx ts tsx mts json jsonc json5 jsonl jsonld
geojson map svg txt text md mdx markdown rst adoc xml xsl rss atom webmanifest manifest csv tsv
ics vcf vtt srt yaml yml toml ini cfg conf env in lock properties py pyi pyx ipynb rb php go rs
c h cc cpp cxx hpp hh cs java kt kts swift scala clj ex exs erl hs lua pl pm r jl dart zig nim
vue svelte astro njk ejs hbs pug liquid twig j2 jinja tmpl tpl sh bash zsh fish bat cmd ps1 sql
graphql gql proto tf hcl gradle cmake make mk dockerfile scm el vim diff patch log png jpg jpeg
gif webp avif ico bmp woff woff2 ttf otf eot mp3 mp4 webm ogg wav pdf zip cff gitignore glsl
vert frag wgsl
"""
_EXTENSIONS = frozenset(_EXTENSIONS_TEXT.split())
_BARE_NAMES_TEXT = """
makefile dockerfile procfile gemfile rakefile license licence readme changelog cname notice
authors jenkinsfile vagrantfile .gitignore .env .htaccess .editorconfig .npmrc .dockerignore
.flake8 .gitattributes _headers _redirects
"""
_BARE_NAMES = frozenset(_BARE_NAMES_TEXT.split())
_TECHNOLOGIES_TEXT = """
node.js next.js vue.js nuxt.js react.js three.js d3.js p5.js chart.js alpine.js
"""
_TECHNOLOGIES = frozenset(_TECHNOLOGIES_TEXT.split())
_NOT_IN_PATH = re.compile(r"[\s<>|?*`{}=;,\"'()（）：，。；]")

_MENTION = re.compile(r"[\w./\\-]+\.[A-Za-z]+", re.ASCII)
_COMMENT = re.compile(
    r"\s*(?:<!--(?P<html>.*?)-->|/\*+(?P<block>.*?)\*+/|//+(?P<slash>.*)|#+(?P<hash>.*)"
    r"|\{\s*path\s*=\s*(?P<brace>[^}]*)\})\s*"
)
_ATTRIBUTE = re.compile(
    r"(?:file[_-]?(?:name|path)?|path|title|name|src)\s*[=:]\s*"
    r"(?:\{?\"([^\"]+)\"\}?|\{?'([^']+)'\}?|([^\s\"'{},]+))",
    re.IGNORECASE,
)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+#.-]*")
_AFTER_COLON = re.compile(r"[A-Za-z0-9_+#-]*:[ \t]*([^\s{}]+)")


# Most lines of a file are no label, and the careful look costs more than all other reading of
# them. What stands here stays in the middle of a text however it is peeled from both ends.
_BRACKET = re.compile(r"[(（\[]")
# An equals sign goes only after `path` and `name`.
_STAYS = re.compile(r"[{}|?]|[;,>]\W*\w|[^ehEH\s]\s*=\s*\w")
_TWO_WORDS = re.compile(r"[A-Za-z0-9]\s+\w")
_BEFORE_A_PATH = re.compile(r"[:：=`*\"“]")
_BARE_NAMES_WITHOUT_DOT = tuple(name for name in _BARE_NAMES if "." not in name)


def _can_be_no_label(text: str) -> bool:
    """A quick no, and never a wrong one; False says nothing."""
    if "." not in text and "~" not in text and text.count("/") < 2:
        lower = text.lower()
        return not any(name in lower for name in _BARE_NAMES_WITHOUT_DOT)
    # A note in brackets may be taken off the end, so only what stands before it counts.
    head = _BRACKET.split(text, maxsplit=1)[0]
    if _STAYS.search(head):
        return True
    return bool(_TWO_WORDS.search(head)) and not _BEFORE_A_PATH.search(text)


def is_path(text: str) -> bool:
    """Whether a bare token has the shape of a file's path (safe or not)."""
    if not text or len(text) > 1000 or "://" in text or text.startswith("//"):
        return False
    if _NOT_IN_PATH.search(text) or text in _TECHNOLOGIES or text.startswith("#"):
        return False
    name = re.split(r"[/\\]", text)[-1]
    has_folder = len(name) < len(text)
    if ":" in text and not re.match(r"[A-Za-z]:[/\\]", text):
        return False
    if name.lower() in _BARE_NAMES or text.startswith(("../", "..\\", "~/")):
        return True
    found = _EXTENSION.search(text)
    if not found or not any(c.isalpha() for c in found[1]):
        return text.startswith("/") and text.count("/") > 1 and bool(name)
    if name.lower() in _TECHNOLOGIES and name != name.lower():
        return False
    return has_folder or found[1].lower() in _EXTENSIONS


def is_prose_file(path: str) -> bool:
    """Whether fences and underlined headings are usual in such a file."""
    return path.lower().endswith((".md", ".markdown", ".mdx", ".txt", ".rst"))


def path_from_label(line: str) -> str | None:
    """The path a line of prose consists of, without its decoration, or None.

    Takes `index.html`, **index.html**, ### 2. `index.html`:, File: x, 文件：x, x (new).
    """
    text = line.strip(_ENDS)
    if not text or len(text) > 300 or text.startswith("*.") or _can_be_no_label(text):
        return None
    return _peeled_to_path(text)


def _peeled_to_path(text: str) -> str | None:
    before = ""
    while text and text != before:
        before = text
        text = _peeled(text)
    if text.count("\\") == text.count("\\_"):  # Markdown's escape, not a Windows path
        text = text.replace("\\_", "_")
    return text if is_path(text) else None


def _peeled(text: str) -> str:
    """One layer of decoration less."""
    if is_path(text):
        return text
    text = text.strip(_ENDS).rstrip(_TRAILING).lstrip(":：").strip(_ENDS)
    text = _LEAD.sub("", text, count=1) if _LEAD.match(text) else text
    text = _WORD.sub("", text, count=1) if _WORD.match(text) else text
    text = _NOTE.sub("", text)
    if link := _LINK.fullmatch(text):
        return link[1]
    for opening, closing in _PAIRS:
        fits = len(text) > len(opening + closing)
        if fits and text.startswith(opening) and text.endswith(closing):
            return text[len(opening) : -len(closing)]
    return text.strip("`*")


def mentioned_paths(line: str, extensions: tuple[str, ...]) -> set[str]:
    """The paths with one of these extensions that a line of prose mentions."""
    words = (word for word in _MENTION.findall(line) if word.lower().endswith(extensions))
    return {word for word in words if is_path(word)}


def path_from_comment(line: str) -> str | None:
    """The path that the first line inside a fence names in a comment, or None."""
    found = _COMMENT.fullmatch(line)
    if not found:
        return None
    inner = next(group for group in found.groups() if group is not None)
    return path_from_label(inner)


def read_info(info: str) -> tuple[str, str | None]:
    """A fence's language (lower case) and the path its info string gives, if any.

    Takes `html:index.html`, `html index.html`, `tsx{path=app.tsx}`, `title="a.css"`, `a.js`.
    """
    found = _LANGUAGE.match(info)
    language = found[0].lower() if found else ""
    for match in _ATTRIBUTE.finditer(info):
        value = next(group for group in match.groups() if group)
        if is_path(value.replace(" ", "_")):
            return language, value
    after = _AFTER_COLON.match(info)
    if after and is_path(after[1]):
        return language, after[1]
    for token in info.split():
        word = token.strip("{}()[]<>,\"'*")
        if is_path(word) and word.lower() not in _TECHNOLOGIES:
            return (word.rpartition(".")[2].lower() if word == info else language), word
    return language, None
