"""Untidy input: what can be read is read as people see it, everything else is a BadSource that says why."""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from errors import BadSource
from flows.sources import LARGEST_METADATA, find_sources, natural_order, read_attributes, read_image

Picture = Callable[..., Image.Image]
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def packed(image: Image.Image, format: str, **options: object) -> bytes:
    data = io.BytesIO()
    image.save(data, format, **options)
    return data.getvalue()


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, bytes], Path]:
    def written(name: str, content: bytes) -> Path:
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return written


Put = Callable[[str, bytes], Path]


def test_ids_are_found_in_natural_order(put: Put) -> None:
    for name in ("10.png", "2.PNG", "toad 10.gif", "toad 9.webp", "1.jpeg", "a1b10.bmp", "a1b9.tif"):
        put(name, b"")
    files, refused = find_sources(put("3.png", b"").parent)
    assert list(files) == ["1", "2", "3", "10", "a1b9", "a1b10", "toad 9", "toad 10"]
    assert files["2"].name == "2.PNG" and refused == []


@pytest.mark.parametrize("ids", [["x", "7", "٣", "²", ""], ["1a", "a1", "1", "a"], ["9" * 200, "10", "9.5"]])
def test_any_two_ids_can_be_ordered(ids: list[str]) -> None:
    ordered = sorted(ids, key=natural_order)
    ids.reverse()
    assert sorted(ids, key=natural_order) == ordered


def test_two_files_of_one_id_are_both_refused(put: Put) -> None:
    for name in ("1.png", "1.gif", "2.png"):
        put(name, b"")
    files, refused = find_sources(put("3.png", b"").parent)
    assert list(files) == ["2", "3"]
    assert sorted(name for name, _ in refused) == ["1.gif", "1.png"]
    assert all("1.gif and 1.png have the same id '1'" in reason for _, reason in refused)


def test_other_files_are_refused_and_folders_passed_over(put: Put, tmp_path: Path) -> None:
    for name in ("notes.txt", "1.svg", ".DS_Store", "no ending"):
        put(name, b"")
    (tmp_path / "4.png").mkdir()
    files, refused = find_sources(tmp_path)
    assert files == {} and sorted(name for name, _ in refused) == ["1.svg", "no ending", "notes.txt"]
    assert all(".png" in reason for _, reason in refused)


@pytest.mark.parametrize("format", ["PNG", "GIF", "JPEG", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.9])
def test_truncated_file_says_so(put: Put, picture: Picture, format: str, share: float) -> None:
    whole = packed(picture(), format)
    file = put("1.png", whole[: int(len(whole) * share)])
    with pytest.raises(BadSource, match=r"1\.png: does not decode as an image \(.+\)") as caught:
        read_image(file)
    assert caught.value.file == str(file)


def test_text_named_png_says_so(put: Put) -> None:
    with pytest.raises(BadSource, match=r"2\.png: does not decode as an image"):
        read_image(put("2.png", b"I am no picture"))


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"gone\.png"):
        read_image(tmp_path / "gone.png")


def damaged_gif(picture: Picture) -> bytes:
    """A second frame whose header is there and whose pixels are not."""
    gif = packed(picture(1).quantize(16), "GIF", save_all=True, append_images=[picture(2).quantize(16)])
    return gif[: gif.rindex(b"\x2c" + bytes(4)) + 10]


def damaged_jpeg(picture: Picture) -> bytes:
    """EXIF that asks for a turn, and whose resolution is not of the type that it should be."""
    exif = Image.Exif()
    exif[0x112], exif[0x11A] = 6, 72.0
    jpeg = packed(picture(), "JPEG", exif=exif.tobytes())
    rational = struct.pack(">HHI", 0x11A, 5, 1) if b"MM\x00*" in jpeg else struct.pack("<HHI", 0x11A, 5, 1)
    assert rational in jpeg
    return jpeg.replace(rational, rational[:2] + rational[2:4].replace(b"\x05", b"\x02") + rational[4:])


def damaged_tiff(picture: Picture) -> bytes:
    """A second page without a width."""
    tiff = packed(picture(1), "TIFF", save_all=True, append_images=[picture(2)])
    width = struct.pack("<HH", 0x100, tiff[tiff.index(b"\x00\x01", 8) + 2])
    assert tiff.count(width) == 2
    at = tiff.rindex(width)
    return tiff[:at] + struct.pack("<H", 0x99) + tiff[at + 2 :]


@pytest.mark.parametrize("damaged", [damaged_gif, damaged_jpeg, damaged_tiff])
def test_damage_behind_the_header_is_no_crash(put: Put, picture: Picture, damaged: Callable[[Picture], bytes]) -> None:
    file = put(f"3.{damaged.__name__.removeprefix('damaged_')}", damaged(picture))
    try:
        assert read_image(file).image.size == (36, 36)  # what is whole of it may be taken
    except BadSource as error:
        assert error.file == str(file)


def bomb(side: int) -> bytes:
    """A PNG of `side` x `side` black pixels, 1 bit each."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    pixels = zlib.compress(bytes(side * (1 + side // 8)), 1)
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("side", "reason"), [(8_000, "has 64 megapixels; at most 50"), (10_000, "has 100"), (16_000, "too large to decode")]
)
def test_enormous_picture_is_not_decoded(put: Put, side: int, reason: str) -> None:
    file = put("4.png", bomb(side))
    assert file.stat().st_size < 200_000
    with pytest.raises(BadSource, match=rf"4\.png: .*{reason}"):
        read_image(file)


def test_bomb_would_decode(put: Put) -> None:
    assert read_image(put("4.png", bomb(64))).image.size == (64, 64)


@pytest.fixture
def gif(put: Put) -> Path:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    return put("5.gif", packed(frames[0], "GIF", save_all=True, append_images=frames[1:]))


def test_animated_source_gives_the_frame_asked_for(gif: Path) -> None:
    read = [read_image(gif), *(read_image(gif, frame) for frame in (0, 1, 2))]
    assert [source.image.getpixel((4, 4)) for source in read] == [RED, RED, GREEN, BLUE]
    assert all(source.frames == 3 and source.mask is None for source in read)
    assert len({source.pixels_sha256 for source in read}) == 3


def test_frame_too_high_is_told(gif: Path, put: Put, picture: Picture) -> None:
    with pytest.raises(BadSource, match=r"5\.gif: has 3 frames; frame 3 \(counted from 0\) is not there"):
        read_image(gif, 3)
    with pytest.raises(BadSource, match="has 1 frame"):
        read_image(put("6.png", packed(picture(), "PNG")), 1)


def test_palette_with_transparency_gives_a_mask(put: Put) -> None:
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*RED, *GREEN])
    image.paste(1, (0, 0, 4, 8))
    source = read_image(put("7.png", packed(image, "PNG", transparency=1)))
    assert source.image.mode == "RGBA" and source.mask is not None
    assert (source.mask.getpixel((1, 1)), source.mask.getpixel((6, 6))) == (0, 255)
    assert source.image.getpixel((6, 6)) == (*RED, 255)


def test_alpha_gives_a_mask_unless_opaque(put: Put, picture: Picture) -> None:
    pixels = np.asarray(picture(1, channels=4)).copy()
    source = read_image(put("8.png", packed(Image.fromarray(pixels), "PNG")))
    assert source.mask is not None and np.array_equal(np.asarray(source.mask), pixels[..., 3])
    assert np.array_equal(np.asarray(source.image), pixels)
    pixels[..., 3] = 255
    opaque = read_image(put("8.png", packed(Image.fromarray(pixels), "PNG")))
    assert opaque.image.mode == "RGB" and opaque.mask is None
    without = read_image(put("8.bmp", packed(Image.fromarray(pixels[..., :3].copy()), "BMP")))
    assert opaque.pixels_sha256 == without.pixels_sha256 != source.pixels_sha256


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_grey_is_grey_whatever_its_depth(put: Put, format: str) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
    shallow = read_image(put("9.png", packed(Image.fromarray(ramp), format)))
    assert shallow.image.mode == "RGB" and np.array_equal(np.asarray(shallow.image)[..., 1], ramp)
    deep = read_image(put("9.png", packed(Image.fromarray(ramp.astype(np.uint16) * 257), format)))
    assert deep.image.mode == "RGB"
    assert np.abs(np.asarray(deep.image)[..., 1].astype(int) - ramp).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_camera_s_turn_is_applied(put: Put, format: str) -> None:
    image = Image.new("RGB", (16, 8), RED)
    image.paste(BLUE, (0, 0, 8, 8))
    exif = Image.Exif()
    exif[0x112] = 6  # to be shown turned clockwise by a quarter
    options = {"quality": 100} if format in ("JPEG", "WEBP") else {}
    turned = read_image(put("10.png", packed(image, format, exif=exif, **options))).image
    assert turned.size == (8, 16)
    top, bottom = turned.getpixel((4, 2)), turned.getpixel((4, 13))
    assert isinstance(top, tuple) and isinstance(bottom, tuple)
    assert top[2] > 200 > 60 > top[0] and bottom[0] > 200 > 60 > bottom[2]


def test_damaged_profile_changes_nothing(put: Put, picture: Picture) -> None:
    plain = read_image(put("11.png", packed(picture(), "PNG"))).pixels_sha256
    assert read_image(put("12.png", packed(picture(), "PNG", icc_profile=b"no profile"))).pixels_sha256 == plain
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    same = read_image(put("13.png", packed(picture(), "PNG", icc_profile=srgb))).image
    assert np.abs(np.asarray(same).astype(int) - np.asarray(picture())).max() <= 1


def test_attributes_are_taken_as_they_are(put: Put) -> None:
    given = [{"trait_type": "Body", "value": "Blue"}, {"value": 3}, {"trait_type": "é", "value": 2.5, "max_value": 9}]
    content = {"name": "Toad", "attributes": given}
    assert read_attributes(put("1.json", json.dumps(content).encode())) == given
    assert read_attributes(put("1.json", b"{}")) == []


WRONG = {
    "not JSON": "I am no JSON",
    "cut off": '{"attributes": [',
    "empty": "",
    "not text": "\udcff",
    "a list": "[]",
    "a number": "3",
    "null": "null",
    "attributes null": '{"attributes": null}',
    "attributes a text": '{"attributes": "Body"}',
    "attributes an object": '{"attributes": {"Body": "Blue"}}',
    "attribute a text": '{"attributes": ["Blue"]}',
    "trait type a number": '{"attributes": [{"trait_type": 3, "value": "Blue"}]}',
    "value a list": '{"attributes": [{"trait_type": "Body", "value": ["Blue"]}]}',
    "value an object": '{"attributes": [{"trait_type": "Body", "value": {}}]}',
    "value NaN": '{"attributes": [{"trait_type": "Body", "value": NaN}]}',
    "value infinite": '{"attributes": [{"trait_type": "Body", "value": 1e999}]}',
    "value beyond floats": '{"attributes": [{"trait_type": "Body", "value": 1' + "0" * 400 + "}]}",
    "NaN beside the value": '{"attributes": [{"trait_type": "Body", "value": 1, "max_value": NaN}]}',
    "nested too deep": "[" * 100_000,
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_metadata_says_so(put: Put, what: str) -> None:
    file = put("17.json", WRONG[what].encode(errors="surrogateescape"))
    with pytest.raises(BadSource, match=r"17\.json: .*metadata") as caught:
        read_attributes(file)
    assert caught.value.file == str(file) and len(str(caught.value)) < 500


def test_huge_metadata_is_not_read(put: Put) -> None:
    with pytest.raises(BadSource, match="larger than 4 MB"):
        read_attributes(put("18.json", b'{"a":"' + b" " * LARGEST_METADATA + b'"}'))
