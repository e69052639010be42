"""Uploaded bytes become a small, upright, clean picture, or one plain refusal."""

import io
import resource
import struct
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from builder.pictures import UnsupportedPicture, picture_read, picture_size
from config.errors import DomainError, InvalidInput, TooLarge
from tests.builder.pictures.samples import decoded, encoded, logo, photo, pixel, png_of

MEGABYTE = 1024 * 1024


def read(data: bytes, most_bytes: int = 5 * MEGABYTE):
    return picture_read(data, most_bytes=most_bytes)


def test_a_photograph_becomes_a_jpeg_of_at_most_1568_pixels():
    clean = read(photo(3136, 2000))
    assert (clean.media_type, clean.width, clean.height) == ("image/jpeg", 1568, 1000)
    assert decoded(clean.content).size == (1568, 1000)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_few_colours_stay_sharp_as_png_and_many_become_jpeg(kind):
    assert read(logo(kind=kind)).media_type == "image/png"
    assert read(photo(kind=kind)).media_type == "image/jpeg"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparency_is_kept_and_opaque_alpha_is_dropped(kind):
    half = Image.new("RGBA", (64, 64), (200, 30, 30, 128))
    clean = decoded(read(encoded(half, kind, lossless=True)).content)
    assert clean.mode == "RGBA"
    assert pixel(clean, (5, 5)) == (200, 30, 30, 128)
    opaque = Image.new("RGBA", (64, 64), (200, 30, 30, 255))
    assert decoded(read(encoded(opaque, kind, lossless=True)).content).mode == "RGB"


def test_a_palette_with_a_transparent_colour_keeps_it():
    picture = Image.new("P", (40, 40), 0)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(1, (0, 0, 20, 40))
    clean = decoded(read(encoded(picture, "PNG", transparency=0)).content)
    assert pixel(clean, (30, 10))[3] == 0
    assert pixel(clean, (10, 10)) == (0, 0, 255, 255)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright_and_loses_its_notes(orientation):
    # Left half red, right half blue, as the sensor saw it.
    picture = Image.new("RGB", (64, 32), "blue")
    picture.paste("red", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "home of Alice"
    data = encoded(picture, "JPEG", exif=exif, quality=95)
    assert b"home of Alice" in data
    clean = read(data)
    assert (clean.width, clean.height) == ((64, 32) if orientation < 5 else (32, 64))
    assert b"home of Alice" not in clean.content
    assert b"Exif" not in clean.content
    upright = decoded(clean.content)
    corners = {1: "L", 2: "R", 3: "R", 4: "L", 5: "T", 6: "T", 7: "B", 8: "B"}
    red_at = {"L": (4, 16), "R": (60, 16), "T": (16, 4), "B": (16, 60)}[corners[orientation]]
    red, _green, blue = pixel(upright, red_at)
    assert (red > 200, blue < 60) == (True, True)


def test_cmyk_and_16_bit_grey_come_out_as_they_look():
    cmyk = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    red, green, blue = pixel(decoded(read(encoded(cmyk, "JPEG")).content), (20, 20))
    assert (red > 220, green < 40, blue < 40) == (True, True, True)
    grey = encoded(Image.new("I;16", (40, 40), 0x8080), "PNG")
    assert pixel(decoded(read(grey).content), (20, 20)) == (128,)


def test_equal_bytes_give_equal_pictures_whatever_they_are_called():
    assert read(photo()).content == read(photo()).content


def test_noise_is_made_smaller_until_a_site_can_hold_it():
    noise = Image.effect_noise((1600, 1200), 120).convert("RGB")
    noise.putalpha(Image.linear_gradient("L").resize(noise.size))
    clean = read(encoded(noise, "PNG", compress_level=1), 20 * MEGABYTE)
    assert len(clean.content) <= 1_000_000
    assert clean.media_type == "image/png"
    assert abs(clean.width / clean.height - 4 / 3) < 0.02


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "SVG"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><svg/>", "SVG"),
        (b"GIF89a" + bytes(40), "GIF"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "HEIC"),
        (b"\x00\x00\x00\x18ftypavif" + bytes(40), "AVIF"),
        (b"%PDF-1.7 not a picture", "PDF"),
        (b"BM" + bytes(60), "BMP"),
        (b"just words", "not a PNG, JPEG or WebP"),
    ],
)
def test_other_kinds_are_refused_by_what_they_are(data, said):
    with pytest.raises(UnsupportedPicture, match=said) as refused:
        read(data)
    assert refused.value.status == 415


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_moving_pictures_are_refused(kind):
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue", "green")]
    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    with pytest.raises(UnsupportedPicture, match="Moving"):
        read(moving)


def test_of_a_phones_picture_pair_the_first_is_taken():
    first, second = Image.new("RGB", (40, 40), "red"), Image.new("RGB", (20, 20), "blue")
    pair = encoded(first, "MPO", save_all=True, append_images=[second])
    clean = read(pair)
    assert (clean.width, clean.height) == (40, 40)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_truncated_picture_is_refused(kind, kept):
    whole = photo(kind=kind)
    with pytest.raises(InvalidInput) as refused:
        read(whole[: int(len(whole) * kept)])
    assert refused.value.code == "picture_broken"


def test_sizes_out_of_bounds_are_refused():
    with pytest.raises(TooLarge, match="larger than 5 MB"):
        read(b"\xff\xd8\xff" + bytes(5 * MEGABYTE))
    for data in (logo(size=(15, 80)), logo(size=(6000, 40)), png_of(0, 40)):
        with pytest.raises(InvalidInput) as refused:
            read(data)
        assert refused.value.code in {"picture_too_small", "picture_broken"}
    with pytest.raises(InvalidInput) as refused:
        read(b"")
    assert refused.value.code == "picture_broken"


def test_what_is_hidden_behind_a_picture_does_not_come_through():
    payload = b"<script>alert(1)</script>" + b"PK\x03\x04"
    for kind in ("JPEG", "PNG", "WEBP"):
        clean = read(photo(kind=kind) + payload)
        assert b"<script>" not in clean.content
        assert b"PK\x03\x04" not in clean.content
    comment = encoded(Image.new("RGB", (40, 40)), "JPEG", comment=payload)
    assert payload in comment
    assert payload not in read(comment).content


def vp8l(width: int, height: int) -> bytes:
    bits = (width - 1) | (height - 1) << 14
    chunk = b"\x2f" + bits.to_bytes(4, "little") + bytes(32)
    body = b"WEBPVP8L" + struct.pack("<I", len(chunk)) + chunk
    return b"RIFF" + struct.pack("<I", len(body)) + body


def vp8x(width: int, height: int) -> bytes:
    head = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + head + vp8l(16, 16)[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_of(width: int, height: int) -> bytes:
    """A real JPEG whose header says another size."""
    data = bytearray(photo(64, 64))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def progressive(scans: int) -> bytes:
    """A JPEG that asks to be gone over again and again."""
    data = photo(64, 64, progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def text_bomb() -> bytes:
    """60 MB of text, compressed, in front of the pixels."""
    packed = zlib.compress(b"a" * 60_000_000, 9)
    chunk = b"zTXtk\x00\x00" + packed
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    plain = png_of(40, 40, bytes(41 * 40))
    return plain[:33] + whole + plain[33:]


BOMBS = {
    **{f"png {side}": png_of(side, side, bytes(1000)) for side in (6_400, 50_000, 2_000_000_000)},
    "png, all of it there": png_of(30_000, 30_000, bytes(30_001 * 500), depth=1),
    "png, narrow": png_of(2_000_000, 16, bytes(1000)),
    **{f"webp lossless {side}": vp8l(side, side) for side in (6_400, 16_384)},
    **{f"webp extended {side}": vp8x(side, side) for side in (6_400, 16_777_216)},
    "jpeg 65535": jpeg_of(65_535, 65_535),
    "jpeg 6400": jpeg_of(6_400, 6_400),
    "jpeg, 10,000 scans": progressive(10_000),
    "png, text": text_bomb(),
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_less_than_a_second_and_little_memory(name):
    before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    began = time.process_time()
    with pytest.raises(DomainError) as refused:
        read(BOMBS[name])
    assert time.process_time() - began < 1
    after_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after_bytes - before_bytes < 100 * MEGABYTE
    assert refused.value.status in (415, 422)


def test_the_size_before_storing_is_the_size_after():
    for data in (photo(3000, 1000), photo(300, 100), logo(size=(200, 1600)), photo(kind="WEBP")):
        clean = read(data)
        assert picture_size(data, most_bytes=MEGABYTE) == (clean.width, clean.height)
    exif = Image.Exif()
    exif[0x0112] = 6
    on_its_side = photo(400, 200, exif=exif)
    assert picture_size(on_its_side, most_bytes=MEGABYTE) == (200, 400)


REAL = [photo(48, 32), photo(48, 32, progressive=True), photo(48, 32, "PNG"), logo(size=(32, 32))]
REAL += [photo(48, 32, "WEBP"), logo(size=(32, 32), kind="WEBP")]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A real picture with some bytes changed, cut out or put in."""
    data = bytearray(draw(st.sampled_from(REAL)))
    for _time in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        cut = draw(st.integers(0, 4))
        data[at : at + cut] = draw(st.binary(max_size=4))
    return bytes(data)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=200), damaged(), st.binary(max_size=60).map(REAL[2].__add__)))
def test_any_bytes_are_a_clean_picture_or_a_clear_refusal(data):
    for look in (read, lambda given: picture_size(given, most_bytes=MEGABYTE)):
        seen = outcome(look, data)
        if isinstance(seen, DomainError):
            assert seen.status in (413, 415, 422)
            assert seen.message
        elif look is read:
            shown = Image.open(io.BytesIO(seen.content))
            assert shown.size == (seen.width, seen.height)
            assert f"image/{str(shown.format).lower()}" == seen.media_type


def outcome(look, data):
    """What it gives, or the refusal; anything else that is raised fails the test."""
    try:
        return look(data)
    except DomainError as refused:
        return refused
