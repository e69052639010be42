"""Reading a chat request of either wire down to what an answer depends on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from emulators.ai.pictures import SeenPicture, count_images, picture_tokens, see_pictures
from emulators.ai.tokens import IMAGE_TOKENS, MESSAGE_OVERHEAD_TOKENS, count_tokens

_REQUEST_TAG = re.compile(r"<request>\s*(.*?)\s*</request>", re.DOTALL | re.IGNORECASE)
_FILE = re.compile(
    r"^(?P<path>[^\s`<>][^\n`<>]*?)[ \t]*\r?\n"
    r"(?P<fence>`{3,})[^\n]*\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.DOTALL | re.MULTILINE,
)


class BadRequest(ValueError):
    """The body is not a chat request; the message says what is wrong."""


@dataclass(frozen=True)
class Conversation:
    """What was sent: the person's words, the site's present files, and its size."""

    request: str
    files: dict[str, str]
    images: int
    input_tokens: int
    system: str = ""
    pictures: tuple[SeenPicture, ...] = ()


def read_conversation(body: dict[str, Any]) -> Conversation:
    """Read an OpenAI-style or Anthropic body. Raises BadRequest on a malformed one."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise BadRequest("messages: at least one message is required")
    system = "\n".join(_texts(body.get("system")))
    total = count_tokens(system)
    images = 0
    pictures: tuple[SeenPicture, ...] = ()
    last_user: str | None = None
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise BadRequest("messages: each message needs a role and content")
        text = "\n".join(_texts(message.get("content")))
        images += count_images(message.get("content"))
        pictures += see_pictures(message.get("content"), text)
        total += count_tokens(text) + MESSAGE_OVERHEAD_TOKENS
        if message["role"] == "user":
            last_user = text
        elif message["role"] in ("system", "developer"):
            system += text
    if last_user is None:
        raise BadRequest("messages: a user message is required")
    files, request = _read_user_text(last_user)
    total += sum(picture_tokens(picture, otherwise=IMAGE_TOKENS) for picture in pictures)
    return Conversation(request, files, images, total, system, pictures)


def _texts(content: object) -> Iterator[str]:
    if content is None:
        return
    if isinstance(content, str):
        yield content
        return
    if not isinstance(content, list):
        raise BadRequest("content must be a string or a list of parts")
    for part in content:
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict) and part.get("type") in ("text", "input_text"):
            yield str(part.get("text", ""))


def _read_user_text(text: str) -> tuple[dict[str, str], str]:
    """Split a user message into the files it carries and the words of the person.

    The words stand last, so the last <request> counts: a file may quote one too.
    """
    requests = list(_REQUEST_TAG.finditer(text))
    words = requests[-1].group(1) if requests else text
    head = text[: requests[-1].start()] if requests else text
    start, end = head.lower().find("<files>"), head.lower().rfind("</files>")
    if start < 0 or end < start:
        return {}, words
    block = head[start + len("<files>") : end]
    files = {m["path"].strip("*` "): m["body"] for m in _FILE.finditer(block)}
    if not requests:
        words = (head[:start] + head[end + len("</files>") :]).strip()
    return files, words
