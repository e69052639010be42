"""Seeing the pictures of a request: their size and main colour, and putting them on the page.

What a vision model answers has to show that the picture arrived: the page shows it at the path it
was given, says its size and colour, and takes the colour up.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from colorsys import rgb_to_hls
from dataclasses import dataclass
from html import escape
from typing import Any

from PIL import Image

from emulators.ai.edits import Change

_LISTED = re.compile(r"^(?P<path>images/\S+) \(\d+×\d+ px\), attached$", re.MULTILINE)
_BLOCK = re.compile(r"<pictures>\n(.*?)\n</pictures>", re.DOTALL)
# What one of them takes of an answer's room.
FIGURE_TOKENS = 180
_KINDS = ("image_url", "image", "input_image")
_NAMES = {
    "red": (0, "红色"),
    "orange": (30, "橙色"),
    "yellow": (58, "黄色"),
    "green": (120, "绿色"),
    "teal": (178, "青色"),
    "blue": (225, "蓝色"),
    "purple": (280, "紫色"),
    "pink": (325, "粉色"),
}


@dataclass(frozen=True)
class SeenPicture:
    """What the model sees of one picture. `path`: where the site has it, "" if it was not told.

    width, height: pixels, 0 for bytes that are no picture. colour: the main one, as #rrggbb.
    """

    path: str
    width: int
    height: int
    colour: str


def count_images(content: object) -> int:
    """How many pictures a message has."""
    return sum(1 for _part in _image_parts(content))


def see_pictures(content: object, text: str) -> tuple[SeenPicture, ...]:
    """The pictures of a message, with the paths that its text lists, in that order."""
    block = _BLOCK.search(text)
    paths = iter(_LISTED.findall(block.group(1)) if block else ())
    return tuple(_seen(_bytes_of(part), next(paths, "")) for part in _image_parts(content))


def picture_tokens(picture: SeenPicture, *, otherwise: int) -> int:
    """What it counts as; Anthropic's formula, `otherwise` where its size is not known."""
    return min(1_600, -(-picture.width * picture.height // 750)) or otherwise


def show_in_site(files: dict[str, str], pictures: Sequence[SeenPicture], chinese: bool) -> None:
    """Puts the pictures at the top of the start page's content. Changes `files`."""
    figures = _figures(pictures, chinese)
    page = files.get("index.html", "")
    if figures and "<main>" in page:
        files["index.html"] = page.replace("<main>\n", f"<main>\n{figures}", 1)


def show_in_change(change: Change, pictures: Sequence[SeenPicture], chinese: bool) -> None:
    """The same as an edit of a page that is there."""
    figures = _figures(pictures, chinese)
    if not figures:
        return
    path = change.main_page()
    lines = change.lines(path)
    start = next((n + 1 for n, line in enumerate(lines) if "<main" in line), None)
    if start is None or start >= len(lines) or not change.insert_before(path, start, figures):
        change.insert_in_page(path, figures)


def _figures(pictures: Sequence[SeenPicture], chinese: bool) -> str:
    return "".join(_figure(picture, chinese) for picture in pictures if picture.path)


def _figure(picture: SeenPicture, chinese: bool) -> str:
    name, chinese_name = _name_of(picture.colour)
    size = f"{picture.width} × {picture.height}"
    if chinese:
        told = f"以{chinese_name}为主的图片，{size} 像素"
    else:
        told = f"A picture in {name}, {size} pixels"
    return (
        f'<figure style="margin:0 auto;padding:1rem;max-width:64rem;'
        f'border-bottom:6px solid {picture.colour}">\n'
        f'<img src="{escape(picture.path)}" width="{picture.width}" height="{picture.height}" '
        f'alt="{told}" style="display:block;width:100%;max-width:{picture.width}px;height:auto;'
        'margin:0 auto">\n'
        f'<figcaption style="text-align:center">{told}</figcaption>\n</figure>\n'
    )


def _image_parts(content: object) -> Iterator[dict[str, Any]]:
    if isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and part.get("type") in _KINDS:
                yield part


def _bytes_of(part: dict[str, Any]) -> bytes:
    """Of OpenAI's data: URL or Anthropic's base64 source; nothing is fetched for a picture."""
    source, held = part.get("source"), part.get("image_url")
    url = held.get("url") if isinstance(held, dict) else held
    encoded = source.get("data") if isinstance(source, dict) else str(url).partition(",")[2]
    try:
        return base64.b64decode(str(encoded), validate=True)
    except (ValueError, binascii.Error):
        return b""


def _seen(data: bytes, path: str) -> SeenPicture:
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
        small = picture.convert("RGB").resize((16, 16))
    except (OSError, ValueError, SyntaxError):
        return SeenPicture(path, 0, 0, "#808080")
    pixels = small.quantize(4).convert("RGB").tobytes()
    counted = Counter(pixels[at : at + 3] for at in range(0, len(pixels), 3))
    colour = counted.most_common(1)[0][0]
    return SeenPicture(path, picture.width, picture.height, f"#{colour.hex()}")


def _name_of(colour: str) -> tuple[str, str]:
    """The nearest of a few colour names, in English and Chinese."""
    red, green, blue = bytes.fromhex(colour[1:])
    hue, lightness, saturation = rgb_to_hls(red / 255, green / 255, blue / 255)
    if lightness > 0.93:
        return "white", "白色"
    if lightness < 0.08:
        return "black", "黑色"
    if saturation < 0.12:
        return "grey", "灰色"

    def distance(name: str) -> float:
        apart = abs(_NAMES[name][0] - hue * 360)
        return min(apart, 360 - apart)

    nearest = min(_NAMES, key=distance)
    return nearest, _NAMES[nearest][1]
