"""Releases: what is written, that it is lossless and repeatable, and that failing leaves the earlier one alone."""

from __future__ import annotations

import csv
import json
import os
import pickle
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from errors import BadRelease, BadSetting, BadSource, BadValue, NothingLeft, ToadworksError
from minting.ipfs import PROFILES, cid_of
from minting.manifest import read_manifest
from minting.metadata import Release, Token, token_metadata
from minting.release import BadNumbers, write_release

RELEASE = Release(collection="Crayon Toads", symbol="CRAY", description="Toads, drawn again.", image_size=128)
DEFAULT = PROFILES["unixfs-v1-2025"]
MakeToken = Callable[..., Token]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_release_holds_its_files(make_token: MakeToken, tmp_path: Path) -> None:
    done: list[tuple[str, int, int]] = []

    @contextmanager
    def meter(stage: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda count: done.append((stage, total, count))

    folder = write_release(tmp_path / "out" / "drop", [make_token(2), make_token(1)], RELEASE, meter=meter)
    assert sorted(contents(folder)) == [
        "_metadata.json",
        "collection.csv",
        "collection.json",
        "images/1.png",
        "images/2.png",
        "index.html",
        "manifest.json",
        "metadata/1",
        "metadata/2",
        "opensea.csv",
        "rarity.csv",
        "rarity.html",
    ]
    assert done == [("images", 2, 1)] * 2 + [("check", 2, 1)] * 2
    assert [entry.name for entry in folder.parent.iterdir()] == ["drop"]


def test_metadata_files_hold_each_token(make_token: MakeToken, tmp_path: Path) -> None:
    tokens = [make_token(1, style="café"), make_token(2)]
    folder = write_release(tmp_path / "drop", tokens, RELEASE)
    images = f"ipfs://{cid_of(folder / 'images', DEFAULT).cid}"
    expected = [token_metadata(token, RELEASE, f"{images}/{token.number}.png") for token in tokens]
    read = [json.loads((folder / f"metadata/{number}").read_text("utf-8")) for number in (1, 2)]
    assert read == expected == json.loads((folder / "_metadata.json").read_text("utf-8"))
    assert "café" in (folder / "metadata/1").read_text("utf-8")


def test_base_uris_of_one_s_own_are_kept(make_token: MakeToken, tmp_path: Path) -> None:
    own = replace(RELEASE, image_base_uri="https://toads.art/images", metadata_base_uri="https://toads.art/tokens/")
    folder = write_release(tmp_path / "drop", [make_token()], own)
    assert json.loads((folder / "metadata/1").read_text())["image"] == "https://toads.art/images/1.png"
    assert json.loads((folder / "collection.json").read_text())["image"] == "https://toads.art/images/1.png"
    assert read_manifest(folder / "manifest.json").base_uri == "https://toads.art/tokens/"


def test_erc_1155_files_are_hexadecimal(make_token: MakeToken, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "drop", [make_token()], replace(RELEASE, standard="ERC-1155"))
    assert [file.name for file in (folder / "metadata").iterdir()] == [f"{1:064x}.json"]
    manifest = read_manifest(folder / "manifest.json")
    assert manifest.base_uri == f"ipfs://{manifest.parts['metadata'].cid}/{{id}}.json"


def test_webp_keeps_every_pixel(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    pixels = np.random.default_rng(5).integers(0, 256, (64, 64, 4), dtype=np.uint8)
    pixels[:32, :, 3] = 0  # colours under full transparency stay, too
    Image.fromarray(pixels).save(token.image)
    folder = write_release(tmp_path / "drop", [token], replace(RELEASE, image_format="webp"))
    written = Image.open(folder / "images/1.webp")
    assert written.format == "WEBP"
    assert np.array_equal(np.asarray(written), pixels.repeat(2, 0).repeat(2, 1))


def test_image_over_the_limit_says_so(make_token: MakeToken, tmp_path: Path) -> None:
    with pytest.raises(BadSource, match=r"comes to \d+ bytes, and release.image_limit is 5000: WebP"):
        write_release(tmp_path / "drop", [make_token()], replace(RELEASE, image_limit=5000))
    assert not (tmp_path / "drop").exists()


def test_previews_become_animations(make_token: MakeToken, tmp_path: Path) -> None:
    way = tmp_path / "way.webp"
    frames = [Image.new("RGB", (64, 64), (shade, 0, 0)) for shade in (0, 100, 200)]
    frames[0].save(way, save_all=True, append_images=frames[1:], duration=100)
    folder = write_release(tmp_path / "drop", [make_token(1, preview=way), make_token(2)], RELEASE)
    manifest = read_manifest(folder / "manifest.json")
    assert (folder / "previews/1.webp").read_bytes() == way.read_bytes()
    assert json.loads((folder / "metadata/1").read_text())["animation_url"] == (
        f"ipfs://{manifest.parts['previews'].cid}/1.webp"
    )
    assert "animation_url" not in json.loads((folder / "metadata/2").read_text())
    assert list(manifest.parts) == ["images", "previews", "metadata", "collection.json"]
    assert manifest.tokens[0].preview and not manifest.tokens[1].preview


def test_table_has_a_line_for_each_token(make_token: MakeToken, tmp_path: Path) -> None:
    tokens = [make_token(1, prompt='a "toad", drawn\ntwice'), make_token(2)]
    folder = write_release(tmp_path / "drop", tokens, RELEASE)
    with (folder / "collection.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["number"] for line in lines] == ["1", "2"]
    assert lines[0]["prompt"] == 'a "toad", drawn\ntwice'
    assert lines[1]["seed"] == str(2**53 + 2) and lines[1]["recipe"] == f"{2:064x}"


@pytest.mark.parametrize(("size", "factor"), [(0, 1), (64, 1), (512, 8)])
def test_nearest_keeps_every_pixel(make_token: MakeToken, tmp_path: Path, size: int, factor: int) -> None:
    token = make_token()
    folder = write_release(tmp_path / "drop", [token], replace(RELEASE, image_size=size))
    written, made = (np.asarray(Image.open(file)) for file in (folder / "images/1.png", token.image))
    assert np.array_equal(written, made.repeat(factor, 0).repeat(factor, 1))


def test_lanczos_takes_any_size(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    release = replace(RELEASE, image_size=100, resampling="lanczos")
    written = Image.open(write_release(tmp_path / "drop", [token], release) / "images/1.png")
    expected = Image.open(token.image).resize((100, 100), Image.Resampling.LANCZOS)
    assert np.array_equal(np.asarray(written), np.asarray(expected))


def test_only_our_text_chunk_travels(make_token: MakeToken, tmp_path: Path) -> None:
    written = Image.open(write_release(tmp_path / "drop", [make_token(1)], RELEASE) / "images/1.png")
    written.load()
    assert written.text == {"toadworks": '{"seed":1,"prompt":"café"}'}  # type: ignore[attr-defined]


def test_image_without_text_stays_without(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    Image.new("RGBA", (64, 32), (1, 2, 3, 128)).save(token.image)
    written = Image.open(write_release(tmp_path / "drop", [token], RELEASE) / "images/1.png")
    written.load()
    assert (written.size, written.mode, written.info) == ((128, 64), "RGBA", {})
    assert written.getpixel((0, 0)) == (1, 2, 3, 128)


def test_palette_images_keep_their_colours(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    paletted = Image.open(token.image).quantize(16)
    paletted.save(token.image, transparency=0)
    folder = write_release(tmp_path / "drop", [token], replace(RELEASE, image_size=0))
    expected = Image.open(token.image).convert("RGBA")
    assert np.array_equal(np.asarray(Image.open(folder / "images/1.png")), np.asarray(expected))


def test_same_tokens_give_same_bytes(make_token: MakeToken, tmp_path: Path) -> None:
    tokens = [make_token(1), make_token(2)]
    first = contents(write_release(tmp_path / "drop", tokens, RELEASE))
    assert contents(write_release(tmp_path / "drop", tokens[::-1], RELEASE)) == first
    assert contents(write_release(tmp_path / "other", tokens, RELEASE)) == first


def test_smaller_release_leaves_nothing_behind(make_token: MakeToken, tmp_path: Path) -> None:
    write_release(tmp_path / "drop", [make_token(1), make_token(2)], RELEASE)
    folder = write_release(tmp_path / "drop", [make_token(1)], RELEASE)
    assert sorted(file.name for file in (folder / "images").iterdir()) == ["1.png"]


@pytest.mark.parametrize(
    ("numbers", "problem"), [((1, 3), "2 is missing"), ((2,), "1 is missing"), ((1, 1), "1 is there twice"),
                             ((0, 1), "0 is too small")],
)  # fmt: skip
def test_gaps_in_numbers_are_refused(
    make_token: MakeToken, tmp_path: Path, numbers: tuple[int, ...], problem: str
) -> None:
    with pytest.raises(BadNumbers, match=problem):
        write_release(tmp_path / "drop", [make_token(number) for number in numbers], RELEASE)
    assert not (tmp_path / "drop").exists()


def test_no_tokens_are_nothing_left(tmp_path: Path) -> None:
    with pytest.raises(NothingLeft, match="accept some"):
        write_release(tmp_path / "drop", [], RELEASE)


@pytest.mark.parametrize(
    "change",
    [{"image_size": 100}, {"image_size": 32}, {"image_size": -1}, {"resampling": "cubic"}, {"collection": " "},
     {"external_url": "javascript:alert(1)"}, {"image_base_uri": "../images"}, {"metadata_base_uri": "bafy"},
     {"background_color": "#ffffff"}, {"standard": "ERC-20"}, {"profile": "mine"}, {"image_format": "gif"},
     {"image_limit": -1}, {"royalty_basis_points": 1001}, {"royalty_basis_points": 500}, {"banner_image": "b.png"},
     {"collaborators": ["0x52908400098527886e0F7030069857D2E4169EE7"]}],
)  # fmt: skip
def test_bad_settings_name_their_key(make_token: MakeToken, tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(BadSetting, match="collection.toml: release." + next(iter(change))):
        write_release(tmp_path / "drop", [make_token()], replace(RELEASE, **change))  # type: ignore[arg-type]
    assert [entry.name for entry in tmp_path.iterdir()] == ["made"]


def test_faults_are_all_told_and_kept_to_be_looked_at(make_token: MakeToken, tmp_path: Path) -> None:
    before = contents(write_release(tmp_path / "drop", [make_token(1)], RELEASE))
    one, two, three = make_token(1), make_token(2, name="{number}"), make_token(3)
    two.image.write_bytes(one.image.read_bytes())
    with pytest.raises(BadRelease) as caught:
        write_release(tmp_path / "drop", [one, two, three], RELEASE, alike={1: "a", 3: "a"})
    told = "\n".join(caught.value.faults)
    assert len(caught.value.faults) == 3, told
    assert "images/2.png: has the same pixels as token 1" in told
    assert "metadata/2: name still has {number} in it" in told
    assert "token 3: looks like token 1" in told and "toadworks tag look-alike-ok ID" in told
    assert contents(tmp_path / "drop") == before
    assert (tmp_path / "drop.refused" / "images/3.png").is_file()
    write_release(tmp_path / "drop", [one, replace(three, number=2)], RELEASE)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["drop", "made"]


@pytest.mark.parametrize("damage", ["cut", "text", "gone"])
def test_bad_image_names_its_file(make_token: MakeToken, tmp_path: Path, damage: str) -> None:
    before = contents(write_release(tmp_path / "drop", [make_token(1)], RELEASE))
    token = make_token(2)
    if damage == "gone":
        token.image.unlink()
    else:
        token.image.write_bytes(token.image.read_bytes()[:2000] if damage == "cut" else b"not an image")
    with pytest.raises(BadSource, match=re.escape(str(token.image))):
        write_release(tmp_path / "drop", [make_token(1), token], RELEASE)
    assert contents(tmp_path / "drop") == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["drop", "made"]


def test_foreign_folder_is_not_replaced(make_token: MakeToken, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years of work")
    with pytest.raises(BadValue, match=r"thesis\.txt"):
        write_release(tmp_path / "home", [make_token()], RELEASE)
    assert contents(tmp_path / "home") == {"thesis.txt": b"years of work"}


@pytest.mark.parametrize("name", ["images/holiday.jpg", "metadata/1.txt", "previews/cat.webp", "images/1.PNG"])
def test_site_with_such_folders_is_not_replaced(make_token: MakeToken, tmp_path: Path, name: str) -> None:
    file = tmp_path / "site" / name
    file.parent.mkdir(parents=True)
    file.write_text("years of work")
    (tmp_path / "site" / "index.html").touch()
    with pytest.raises(BadValue, match=name):
        write_release(tmp_path / "site", [make_token()], RELEASE)
    assert file.read_text() == "years of work"


def test_failed_swap_puts_the_earlier_back(
    make_token: MakeToken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(write_release(tmp_path / "drop", [make_token(1)], RELEASE))
    rename = Path.rename

    def fail_for_the_new(self: Path, target: Path) -> Path:
        if self.name.endswith(f".tmp-{os.getpid()}"):
            raise PermissionError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_for_the_new)
    with pytest.raises(PermissionError):
        write_release(tmp_path / "drop", [make_token(1), make_token(2)], RELEASE)
    assert contents(tmp_path / "drop") == before


KILLED = """
import os, pickle, signal, sys
from contextlib import contextmanager
from pathlib import Path
from minting.release import write_release
tokens, release, folder = pickle.loads(Path(sys.argv[1]).read_bytes())
@contextmanager
def meter(stage, total):
    done = []
    def advance(count):
        done.append(count)
        if len(done) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    yield advance
write_release(folder, tokens, release, meter=meter)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_killed_release_leaves_the_earlier_whole(make_token: MakeToken, tmp_path: Path) -> None:
    tokens = [make_token(number) for number in (1, 2, 3)]
    before = contents(write_release(tmp_path / "drop", tokens[:1], RELEASE))
    (tmp_path / "made" / "job").write_bytes(pickle.dumps((tokens, RELEASE, tmp_path / "drop")))
    command = [sys.executable, "-c", KILLED, str(tmp_path / "made" / "job")]
    root = str(Path(__file__).parents[2])
    killed = subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert contents(tmp_path / "drop") == before
    assert len(list(tmp_path.glob("drop.tmp-*"))) == 1  # it was killed amid its work
    write_release(tmp_path / "drop", tokens, RELEASE)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["drop", "made"]


def test_gallery_escapes_and_stays_at_home(make_token: MakeToken, tmp_path: Path) -> None:
    nasty = "<script>alert('x')</script>\""
    token = make_token(source=nasty, style=nasty, source_attributes=[{"trait_type": nasty, "value": nasty}])
    release = replace(RELEASE, collection=nasty, description=nasty)
    page = (write_release(tmp_path / "drop", [token], release) / "index.html").read_text("utf-8")
    assert "<script" not in page and page.count("&lt;script&gt;") >= 6
    assert re.findall(r'src="([^"]*)"', page) == ["images/1.png"]
    assert not re.search(r"https?:|//|@import|url\(", page.replace("</script", ""))
    assert 'loading="lazy"' in page and "Guidance Scale" in page


def test_bad_numbers_are_toadworks_errors() -> None:
    assert issubclass(BadNumbers, ToadworksError)


@pytest.mark.parametrize("system", [".DS_Store", "images/.DS_Store", "Thumbs.db"])
def test_what_systems_leave_is_no_work(make_token: MakeToken, tmp_path: Path, system: str) -> None:
    folder = write_release(tmp_path / "drop", [make_token()], RELEASE)
    (folder / system).touch()
    write_release(tmp_path / "drop", [make_token()], RELEASE)
    assert not (folder / system).exists()


def test_file_in_its_place_is_not_replaced(make_token: MakeToken, tmp_path: Path) -> None:
    (tmp_path / "drop").write_text("years of work")
    with pytest.raises(BadValue, match="a new folder, not a file"):
        write_release(tmp_path / "drop", [make_token()], RELEASE)
    assert (tmp_path / "drop").read_text() == "years of work"


def test_name_with_a_pattern_in_it_clears_its_own_only(make_token: MakeToken, tmp_path: Path) -> None:
    (tmp_path / "d1.tmp-7").mkdir()
    (tmp_path / "d[1].tmp-7").mkdir()
    write_release(tmp_path / "d[1]", [make_token()], RELEASE)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["d1.tmp-7", "d[1]", "made"]


def test_limit_is_the_largest_that_is_taken(make_token: MakeToken, tmp_path: Path) -> None:
    size = (write_release(tmp_path / "drop", [make_token()], RELEASE) / "images/1.png").stat().st_size
    write_release(tmp_path / "drop", [make_token()], replace(RELEASE, image_limit=size))
    with pytest.raises(BadSource, match="comes to"):
        write_release(tmp_path / "drop", [make_token()], replace(RELEASE, image_limit=size - 1))


def test_transparency_of_a_colour_is_kept(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    Image.new("RGB", (64, 64), (1, 2, 3)).save(token.image, transparency=(1, 2, 3))
    written = Image.open(write_release(tmp_path / "drop", [token], RELEASE) / "images/1.png")
    assert written.mode == "RGBA" and written.getpixel((0, 0)) == (1, 2, 3, 0)


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_colour_profile_is_kept(make_token: MakeToken, tmp_path: Path, kind: str) -> None:
    token = make_token()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open(token.image).save(token.image, icc_profile=profile)
    folder = write_release(tmp_path / "drop", [token], replace(RELEASE, image_format=kind))
    assert Image.open(folder / f"images/1.{kind}").info["icc_profile"] == profile


def test_thin_picture_keeps_a_pixel(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    Image.new("RGB", (640, 2), (9, 9, 9)).save(token.image)
    release = replace(RELEASE, image_size=64, resampling="lanczos")
    assert Image.open(write_release(tmp_path / "drop", [token], release) / "images/1.png").size == (64, 1)


def test_webp_has_its_own_bound(make_token: MakeToken, tmp_path: Path) -> None:
    token = make_token()
    Image.new("L", (16384, 1)).save(token.image)
    with pytest.raises(BadSetting, match="16384 pixels are more than a WebP can have"):
        write_release(tmp_path / "drop", [token], replace(RELEASE, image_size=0, image_format="webp"))
