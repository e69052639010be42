"""Colours of pictures that carry a profile of their own."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageCms

from builder.pictures import picture_read
from tests.builder.pictures.samples import decoded, encoded, pixel

BRICK = (192, 57, 43)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# Red and green have changed places: what is written as red is meant as green.
SWAPPED = SRGB.replace(b"rXYZ", b"????").replace(b"gXYZ", b"rXYZ").replace(b"????", b"gXYZ")
LAB = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


def read(picture: Image.Image, kind: str = "PNG", **options) -> Image.Image:
    clean = picture_read(encoded(picture, kind, **options), most_bytes=5_000_000)
    shown = decoded(clean.content)
    assert "icc_profile" not in shown.info
    return shown


def test_a_profile_is_followed_before_it_is_dropped():
    shown = read(Image.new("RGB", (40, 30), BRICK), icc_profile=SWAPPED)
    assert pixel(shown, (20, 15)) == (57, 192, 43)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_it_is_followed_in_every_kind_of_file(kind):
    shown = read(Image.new("RGB", (40, 30), BRICK), kind, quality=95, icc_profile=SWAPPED)
    red, green, blue = pixel(shown, (20, 15))
    assert abs(red - 57) < 8
    assert abs(green - 192) < 8
    assert abs(blue - 43) < 8


def test_a_picture_that_is_scaled_keeps_its_colours_too():
    shown = read(Image.new("RGB", (2_000, 1_000), BRICK), icc_profile=SWAPPED)
    assert (shown.size, pixel(shown, (700, 300))) == ((1_568, 784), (57, 192, 43))


def test_srgb_stays_as_it_is_to_the_bit():
    ramp = Image.linear_gradient("L")
    picture = Image.merge("RGB", [ramp, ramp.rotate(90), ramp.rotate(180)]).quantize(256)
    picture = picture.convert("RGB")
    assert read(picture, icc_profile=SRGB).tobytes() == picture.tobytes()


def test_what_is_transparent_stays_so():
    picture = Image.new("RGBA", (40, 30), (*BRICK, 100))
    shown = read(picture, icc_profile=SWAPPED)
    assert (shown.mode, pixel(shown, (1, 1))) == ("RGBA", (57, 192, 43, 100))


@pytest.mark.parametrize(
    "profile",
    [
        pytest.param(LAB, id="of another kind than the picture"),
        pytest.param(b"no profile at all", id="nonsense"),
        pytest.param(SWAPPED[:300], id="cut off"),
        pytest.param(SWAPPED[:128] + b"\xff" * 400, id="absurd tags"),
    ],
)
def test_a_profile_that_can_not_be_used_is_dropped(profile):
    shown = read(Image.new("RGB", (40, 30), BRICK), icc_profile=profile)
    assert pixel(shown, (20, 15)) == BRICK


def test_grey_and_print_colours_are_shown_with_and_without_a_profile():
    grey = Image.new("L", (40, 30), 90)
    assert pixel(read(grey, icc_profile=SWAPPED), (1, 1)) == (90,)
    ink = Image.new("CMYK", (40, 30), (0, 255, 255, 0))
    for options in ({}, {"icc_profile": SRGB}):
        red, green, blue = pixel(read(ink, "JPEG", quality=95, **options), (20, 15))
        assert (red > 240, green < 15, blue < 15) == (True, True, True)


def test_a_phones_turned_picture_is_upright_and_in_its_colours():
    picture = Image.new("RGB", (60, 30), BRICK)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, exif=exif, icc_profile=SWAPPED)
    shown = decoded(picture_read(out.getvalue(), most_bytes=5_000_000).content)
    assert (shown.size, pixel(shown, (15, 30))[1] > 180) == ((30, 60), True)
