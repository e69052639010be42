"""What is sent to a model: the instructions, the site as it is, and the person's request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.models import Picture
from builder.pictures import picture_tokens
from builder.pictures.naming import picture_path
from builder.providers.types import ImagePart, Message
from builder.token_count import estimate_tokens

_INSTRUCTIONS = """\
You build small, complete, good-looking static websites: HTML, CSS and plain JavaScript.

Answer with files only. For a new or rewritten file write its path alone on one line, then the \
whole file in a fenced block:

index.html
```html
<!doctype html>
...
```

To change part of a file that exists, write its path alone on one line, then one or more blocks:

style.css
<<<<<<< SEARCH
the exact lines to find, copied from the file, enough of them to be unique
=======
the new lines
>>>>>>> REPLACE

Rules:
- The start page is index.html. Put styles in style.css and scripts in script.js when there are \
more than a few lines. Use relative links.
- Never leave anything out or write that the rest stays the same: a file you write is complete.
- No external files, fonts, scripts or images: draw with CSS and inline SVG. No build step.
- Responsive from 320 px, accessible (landmarks, labels, contrast, keyboard), in the language of \
the request. Real content, no lorem ipsum.
- Write index.html first. Do not explain anything."""

_PICTURES_RULE = (
    "\n- The pictures listed in the request are files of the site already: show them with <img> or"
    " as backgrounds at exactly these paths, with their width, height and an alt text that says"
    " what they show. Never write a picture's file yourself."
)
_BUDGET = (
    "\n- Your whole answer must fit in {tokens} tokens: keep it compact, and finish every file."
)
# A model told of a generous budget tends to fill it, so it is only told of a tight one.
TIGHT_BUDGET_TOKENS = 3000


@dataclass(frozen=True, slots=True)
class SentPicture:
    """A picture of a request, as far as words and prices go. width, height: pixels."""

    path: str
    width: int
    height: int
    image: ImagePart | None = None

    @property
    def tokens(self) -> int:
        return picture_tokens(self.width, self.height)


def sent_picture(picture: Picture, *, with_bytes: bool) -> SentPicture:
    """What a request says of a stored picture; `with_bytes`: to be sent, not only counted."""
    width, height = picture.width_px, picture.height_px
    tokens = picture_tokens(width, height)
    image = (
        ImagePart(picture.media_type, bytes(picture.content), tokens=tokens) if with_bytes else None
    )
    return SentPicture(picture_path(picture.name), width, height, image)


def messages_for(
    *,
    prompt: str,
    files: Mapping[str, str],
    max_output_tokens: int,
    attached: Sequence[SentPicture] = (),
    picture_paths: Iterable[str] = (),
) -> tuple[Message, ...]:
    """The messages of one run.

    prompt: the person's words. files: the site's current text files by path, empty for a new
    site. max_output_tokens: what the answer may use; told to the model when it is tight.
    attached: the pictures sent with it. picture_paths: pictures the site has from before, which
    are named but not sent.
    """
    listed = _pictures_listed(attached, picture_paths)
    system = _INSTRUCTIONS + (_PICTURES_RULE if listed else "")
    if max_output_tokens < TIGHT_BUDGET_TOKENS:
        system += _BUDGET.format(tokens=max_output_tokens * 9 // 10)
    request = f"{listed}<request>\n{prompt}\n</request>"
    if files:
        shown = "\n\n".join(f"{path}\n{_fenced(files[path])}" for path in sorted(files))
        request = f"<files>\n{shown}\n</files>\n\n{request}"
    images = tuple(picture.image for picture in attached if picture.image is not None)
    return (
        Message(role="system", text=system),
        Message(role="user", text=request, images=images),
    )


def input_tokens_of(messages: Iterable[Message]) -> int:
    """Our own count of what `messages` are, text and pictures: the model's input tokens."""
    return sum(
        estimate_tokens(message.text) + sum(image.tokens for image in message.images)
        for message in messages
    )


def _pictures_listed(attached: Sequence[SentPicture], picture_paths: Iterable[str]) -> str:
    """The site's pictures by path, those attached first, in the order they are sent."""
    paths = {picture.path for picture in attached}
    lines = [
        f"{picture.path} ({picture.width}×{picture.height} px), attached" for picture in attached
    ]
    lines += [path for path in picture_paths if path not in paths]
    return "<pictures>\n" + "\n".join(lines) + "\n</pictures>\n\n" if lines else ""


def _fenced(content: str) -> str:
    """A fenced block whose fence is longer than any fence inside."""
    fence = "```"
    while fence in content:
        fence += "`"
    return f"{fence}\n{content}{'' if content.endswith(chr(10)) else chr(10)}{fence}"
