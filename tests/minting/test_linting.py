"""The linter: a good release passes, and each thing that can be wrong with one is told, with its file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from minting.linting import Fault, lint
from minting.manifest import Manifest, read_manifest
from minting.metadata import Release, Token
from minting.release import write_release

RELEASE = Release(collection="Crayon Toads", image_size=64)
Break = Callable[[Path], object]


@pytest.fixture
def folder(make_token: Callable[..., Token], tmp_path: Path) -> Path:
    return write_release(tmp_path / "drop", [make_token(number) for number in (1, 2, 3)], RELEASE)


def test_good_release_has_no_fault(folder: Path) -> None:
    assert lint(folder) == []


def test_erc_1155_release_has_no_fault(make_token: Callable[..., Token], tmp_path: Path) -> None:
    release = replace(RELEASE, standard="ERC-1155", image_format="webp")
    assert lint(write_release(tmp_path / "drop", [make_token(1), make_token(2)], release)) == []


def edited(path: str, **changes: Any) -> Break:
    """Change keys of a JSON file; None takes one away."""

    def change(folder: Path) -> None:
        file = folder / path
        about = {**json.loads(file.read_text()), **changes}
        file.write_text(json.dumps({key: value for key, value in about.items() if value is not None}))

    return change


def written(path: str, data: bytes) -> Break:
    return lambda folder: (folder / path).write_bytes(data)


def gone(path: str) -> Break:
    return lambda folder: (folder / path).unlink()


def copied(path: str, to: str) -> Break:
    return lambda folder: shutil.copyfile(folder / path, folder / to)


def trait(**attribute: Any) -> Break:
    return edited("metadata/2", attributes=[attribute])


def manifest_with(**changes: Any) -> Break:
    return edited("manifest.json", **changes)


def picture(path: str, size: tuple[int, int], text: str = "") -> Break:
    def paint(folder: Path) -> None:
        chunks = PngImagePlugin.PngInfo()
        chunks.add_text("Comment", text)
        Image.radial_gradient("L").resize(size).save(folder / path, pnginfo=chunks)

    return paint


def metadata_base(base: str) -> Break:
    return manifest_with(base_uri=base)


ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
FAULTS: list[tuple[str, Break, str, str]] = [
    ("no manifest", gone("manifest.json"), "manifest.json", "cannot be read"),
    ("manifest is no json", written("manifest.json", b"{"), "manifest.json", "JSON"),
    ("manifest leads out", manifest_with(files=[{"path": "../x", "sha256": "a" * 64, "cid": "b", "bytes": 1,
                                                 "mime": "c"}]), "manifest.json", "no path within"),
    ("json is cut", written("metadata/2", b'{"name": "x"'), "metadata/2", "is no JSON"),
    ("json has a mark", written("metadata/2", b'\xef\xbb\xbf{"name": "x"}'), "metadata/2", "byte order mark"),
    ("json is latin-1", written("metadata/2", '{"name": "café"}'.encode("latin-1")), "metadata/2", "is no JSON"),
    ("json has NaN", written("metadata/2", b'{"name": "x", "decimals": NaN}'), "metadata/2", "NaN is no number"),
    ("json has a key twice", written("metadata/2", b'{"name": "x", "name": "y"}'), "metadata/2", "'name' is there"),
    ("json is a list", written("metadata/2", b"[]"), "metadata/2", "no object"),
    ("json is deep", written("metadata/2", b"[" * 100_000), "metadata/2", "is no JSON"),
    ("no name", edited("metadata/2", name=None), "metadata/2", "name is None"),
    ("blank name", edited("metadata/2", name=" "), "metadata/2", "name is ' '"),
    ("name is a number", edited("metadata/2", name=3), "metadata/2", "name is 3"),
    ("name unfilled", edited("metadata/2", name="Toad {number}"), "metadata/2", "still has {number}"),
    ("description unfilled", edited("metadata/2", description="{source}"), "metadata/2", "still has {source}"),
    ("description missing", edited("metadata/2", description=None), "metadata/2", "description is None"),
    ("key misspelt", edited("metadata/2", atributes=[]), "metadata/2", "'atributes'"),
    ("no image", edited("metadata/2", image=None), "metadata/2", "has no image"),
    ("image on this disk", edited("metadata/2", image="../images/2.png"), "metadata/2", "leads nowhere"),
    ("image of a placeholder", edited("metadata/2", image="ipfs://CID/2.png"), "metadata/2", "placeholder"),
    ("image of an example", edited("metadata/2", image="https://example.com/2.png"), "metadata/2", "placeholder"),
    ("image is a scheme alone", edited("metadata/2", image="ipfs://"), "metadata/2", "leads nowhere"),
    ("trait beyond every float", written("metadata/2", b'{"attributes": [{"value": 1%s}]}' % (b"0" * 400)),
     "metadata/2", "has the value 1000"),
    ("image to be changed", edited("metadata/2", image="https://change-me/2.png"), "metadata/2", "placeholder"),
    ("image with a gap", edited("metadata/2", image="ipfs://<cid>/2.png"), "metadata/2", "placeholder"),
    ("video nowhere", edited("metadata/2", youtube_url="watch"), "metadata/2", "leads nowhere"),
    ("decimals are true", edited("metadata/2", decimals=True), "metadata/2", "decimals is True"),
    ("date before 1970", trait(trait_type="Born", value=-1, display_type="date"), "metadata/2", "is no date"),
    ("date in 2243", trait(trait_type="Born", value=2**33, display_type="date"), "metadata/2", "is no date"),
    ("banner not secure", edited("collection.json", banner_image="http://t.art/b"), "collection.json", "not secure"),
    ("recipient without a royalty", edited("collection.json", fee_recipient="0x12"), "collection.json", "no address"),
    ("image is a link", lambda folder: ((folder / "images/2.png").unlink(),
                                        (folder / "images/2.png").symlink_to(folder / "images/1.png")),
     "images/2.png", "no token's file"),
    ("image not secure", edited("metadata/2", image="http://toads.art/2.png"), "metadata/2", "not secure"),
    ("image of another token", edited("metadata/2", image="https://toads.art/3.png"), "metadata/2", "not this token"),
    ("image in another folder", edited("metadata/2", image="ipfs://bafybeie/2.png"), "metadata/2", "another folder"),
    ("link is a number", edited("metadata/2", external_url=3), "metadata/2", "external_url is 3"),
    ("link nowhere", edited("metadata/2", animation_url="2.mp4"), "metadata/2", "leads nowhere"),
    ("colour with #", edited("metadata/2", background_color="#ffffff"), "metadata/2", "background_color"),
    ("colour too short", edited("metadata/2", background_color="fff"), "metadata/2", "background_color"),
    ("decimals of a half", edited("metadata/2", decimals=0.5), "metadata/2", "decimals is 0.5"),
    ("attributes are a map", edited("metadata/2", attributes={"Hat": "Red"}), "metadata/2", "no list"),
    ("attribute is text", edited("metadata/2", attributes=["Hat"]), "metadata/2", "attribute 1 is 'Hat'"),
    ("trait without a name", trait(trait_type="", value="x"), "metadata/2", "trait_type ''"),
    ("trait without a value", trait(trait_type="Hat"), "metadata/2", "has the value None"),
    ("trait of nothing", trait(trait_type="Hat", value=""), "metadata/2", "has the value ''"),
    ("trait is true", trait(trait_type="Hat", value=True), "metadata/2", "has the value True"),
    ("trait is a list", trait(trait_type="Hat", value=["Red"]), "metadata/2", "has the value ['Red']"),
    ("trait shown strangely", trait(trait_type="Hat", value=1, display_type="percent"), "metadata/2", "'percent'"),
    ("text shown as number", trait(trait_type="Hat", value="1", display_type="number"), "metadata/2", "no number"),
    ("date in milliseconds", trait(trait_type="Born", value=1_700_000_000_000, display_type="date"), "metadata/2",
     "is no date"),
    ("more than its most", trait(trait_type="Level", value=11, max_value=10), "metadata/2", "11 out of 10"),
    ("most is text", trait(trait_type="Level", value=1, max_value="10"), "metadata/2", "1 out of '10'"),
    ("metadata with an ending", copied("metadata/2", "metadata/2.json"), "metadata/2.json", "no token's file"),
    ("metadata padded", copied("metadata/2", "metadata/02"), "metadata/02", "no token's file"),
    ("token zero", copied("metadata/1", "metadata/0"), "metadata/0", "has the number 0"),
    ("gap", gone("metadata/2"), "metadata", "token 2 is missing"),
    ("image without metadata", copied("images/3.png", "images/4.png"), "images/4.png", "has no metadata"),
    ("metadata without image", gone("images/2.png"), "metadata/2", "token 2 has no image"),
    ("two images of a token", copied("images/2.png", "images/2.webp"), "images/2.webp", "token 2's, as 2.png is"),
    ("strange file", written("images/notes.txt", b"x"), "images/notes.txt", "no token's file"),
    ("image is cut", lambda folder: written("images/2.png", (folder / "images/2.png").read_bytes()[:3000])(folder),
     "images/2.png", "does not decode"),
    ("image is text", written("images/2.png", b"not an image"), "images/2.png", "does not decode"),
    ("image is of another kind", lambda folder: Image.new("RGB", (64, 64)).save(folder / "images/2.png", "WEBP"),
     "images/2.png", "is image/webp"),
    ("image is of another size", picture("images/2.png", (32, 32)), "images/2.png", "32 x 32 pixels, not 64 x 64"),
    ("image is smaller than most", picture("images/2.png", (32, 32)), "images/2.png", "32 pixels, most others 64"),
    ("same pixels", copied("images/1.png", "images/3.png"), "images/3.png", "same pixels as token 1"),
    ("same pixels in another file", lambda folder: Image.open(folder / "images/1.png").save(folder / "images/3.png"),
     "images/3.png", "same pixels as token 1"),
    ("image names a home", picture("images/2.png", (64, 64), "/home/ann/toads/2.xcf"), "images/2.png",
     "private path, /home/ann/"),
    ("metadata names a home", edited("metadata/2", description=r"C:\Users\ann\toads"), "metadata/2",
     "private path, C:\\\\Users"),
    ("table names a file", written("collection.csv", b"file:///srv/x"), "collection.csv", "private path, file://"),
    ("royalty too high", edited("collection.json", seller_fee_basis_points=1001, fee_recipient=ADDRESS),
     "collection.json", "the royalty is 1001"),
    ("royalty in percent", edited("collection.json", seller_fee_basis_points=2.5, fee_recipient=ADDRESS),
     "collection.json", "the royalty is 2.5"),
    ("royalty for nobody", edited("collection.json", seller_fee_basis_points=500), "collection.json", "nobody"),
    ("royalty for zero", edited("collection.json", seller_fee_basis_points=500, fee_recipient="0x" + "0" * 40),
     "collection.json", "zero address"),
    ("royalty mistyped", edited("collection.json", seller_fee_basis_points=500, fee_recipient=ADDRESS[:-1] + "8"),
     "collection.json", "wrong checksum"),
    ("collaborator no address", edited("collection.json", collaborators=["ann.eth"]), "collection.json", "no address"),
    ("collaborators no list", edited("collection.json", collaborators=ADDRESS), "collection.json", "no list"),
    ("collection without name", edited("collection.json", name=None), "collection.json", "name is None"),
    ("collection's image nowhere", edited("collection.json", image="images/1.png"), "collection.json", "nowhere"),
    ("collection's key misspelt", edited("collection.json", external_url="https://a.art"), "collection.json",
     "'external_url'"),
    ("collection missing", gone("collection.json"), "collection.json", "cannot be read"),
    ("base without slash", metadata_base("https://toads.art/tokens"), "manifest.json", "does not end in a slash"),
    ("base of a placeholder", metadata_base("ipfs://CID/"), "manifest.json", "placeholder"),
    ("base on this disk", metadata_base("metadata/"), "manifest.json", "leads nowhere"),
    ("base of another folder", metadata_base("ipfs://bafybeie/"), "manifest.json", "not where the release's metadata"),
    ("file not in the manifest", written("extra.json", b"{}"), "extra.json", "not in manifest.json"),
    ("file of the manifest missing", gone("rarity.csv"), "rarity.csv", "in manifest.json, and not there"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "file", "problem"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_fault_is_told_with_its_file(folder: Path, damage: Break, file: str, problem: str) -> None:
    damage(folder)
    found = [fault for fault in lint(folder) if fault.file == file and problem in fault.problem]
    assert len(found) == 1, "\n".join(map(str, lint(folder)))
    assert found[0].remedy


def test_all_faults_are_told_at_once(folder: Path) -> None:
    for damage in (edited("metadata/1", name=""), gone("images/2.png"), trait(trait_type="Hat"), gone("rarity.csv")):
        damage(folder)
    assert {fault.file for fault in lint(folder)} >= {"metadata/1", "metadata/2", "rarity.csv"}


@pytest.mark.parametrize(
    ("base", "problem"),
    [("ipfs://bafy/1.json", "does not end in {id}.json"), ("https://toads.art/{id}", "does not end in {id}.json"),
     ("https://toads.art{id}.json", "does not end in a slash")],
)  # fmt: skip
def test_erc_1155_uri_holds_its_id(make_token: Callable[..., Token], tmp_path: Path, base: str, problem: str) -> None:
    folder = write_release(tmp_path / "drop", [make_token()], replace(RELEASE, standard="ERC-1155"))
    metadata_base(base)(folder)
    assert any(fault.file == "manifest.json" and problem in fault.problem for fault in lint(folder))


def test_look_alikes_are_told_but_the_first(folder: Path) -> None:
    found = lint(folder, alike={3: "a", 1: "a", 2: "b"})
    assert [(fault.file, fault.problem) for fault in found] == [("token 3", "looks like token 1")]


def test_private_path_of_ones_own_is_told(folder: Path) -> None:
    edited("metadata/2", description="from /srv/studio/pond")(folder)
    assert lint(folder) == []
    assert [fault.file for fault in lint(folder, private=["/srv/studio"])] == ["metadata/2"]


@pytest.mark.parametrize("text", ["https://toads.art/home/ann/x", "at home/ann/toads", "root/ of it", "12:/Users"])
def test_what_only_looks_private_is_not_told(folder: Path, text: str) -> None:
    edited("metadata/2", description=text)(folder)
    assert lint(folder) == []


def test_image_size_is_that_of_the_settings(folder: Path) -> None:
    assert lint(folder, image_size=64) == []
    assert len([fault for fault in lint(folder, image_size=512) if "not 512" in fault.problem]) == 3


def test_image_limit_is_in_bytes(folder: Path) -> None:
    size = max(file.stat().st_size for file in (folder / "images").iterdir())
    assert lint(folder, image_limit=size) == []
    assert any("more than the" in fault.problem for fault in lint(folder, image_limit=size - 1))


def test_empty_folder_is_told_as_a_whole(tmp_path: Path) -> None:
    assert {fault.file for fault in lint(tmp_path)} == {"manifest.json", "metadata", "images", "collection.json"}


def test_fault_reads_as_a_sentence() -> None:
    assert str(Fault("metadata/2", "has no image", "export again")) == "metadata/2: has no image; export again"


def test_manifest_comes_back_as_it_was(folder: Path) -> None:
    manifest = read_manifest(folder / "manifest.json")
    assert isinstance(manifest, Manifest) and manifest.text() == (folder / "manifest.json").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "named"),
    [("https://toads.art/app/1", False), ("ipfs://app", False), ("/apples", False), ("and/app", False),
     ("/app-store", False), ("in /app", True), ("in:/app/x", True), ("\"/app\"", True), ("/app.", True)],
)  # fmt: skip
def test_short_private_path_is_no_piece_of_an_address(folder: Path, text: str, named: bool) -> None:
    edited("metadata/2", description=text)(folder)
    assert [fault.file for fault in lint(folder, private=["/app"])] == ["metadata/2"] * named


def test_folder_is_listed_a_few_times_however_many_tokens(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone("manifest.json")(folder)
    listed: list[Path] = []
    iterdir = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda self: listed.append(self) or iterdir(self))
    lint(folder)
    few = len(listed)
    for number in range(4, 12):
        copied("metadata/3", f"metadata/{number}")(folder)
    listed.clear()
    lint(folder)
    assert len(listed) == few


def test_preview_is_its_token_s_own_and_decodes(make_token: Callable[..., Token], tmp_path: Path) -> None:
    way = tmp_path / "way.webp"
    Image.new("RGB", (64, 64)).save(way)
    folder = write_release(tmp_path / "drop", [make_token(n, preview=way) for n in (1, 2)], RELEASE)
    assert lint(folder) == []
    first = json.loads((folder / "metadata/1").read_text())["animation_url"]
    edited("metadata/2", animation_url=first)(folder)
    written("previews/1.webp", b"x")(folder)
    copied("previews/2.webp", "previews/3.webp")(folder)
    told = "\n".join(map(str, lint(folder)))
    assert "metadata/2: animation_url" in told and "is not this token's preview" in told
    assert "previews/1.webp: does not decode" in told and "previews/3.webp: is no token's file" in told
    gone("previews/1.webp")(folder)
    assert "metadata/1: animation_url" in "\n".join(map(str, lint(folder)))


def all_of_its_kind(folder: Path) -> None:
    """Everything at the end of its range, and of every kind that is allowed."""
    edited("collection.json", seller_fee_basis_points=1000, fee_recipient=ADDRESS, external_link="http://toads.art")(
        folder
    )
    edited(
        "metadata/1",
        external_url="http://toads.art",
        youtube_url="https://toads.art/1",
        decimals=0,
        background_color="00fFaA",
        attributes=[
            {"trait_type": "Level", "value": 10, "max_value": 10},
            {"trait_type": "Born", "value": 0, "display_type": "date"},
            {"value": "lonely", "display_type": "string"},
        ],
    )(folder)
    edited("metadata/2", image="https://toads.art/2.png")(folder)
    edited("metadata/3", image=None, image_data="<svg/>")(folder)


def test_what_is_allowed_is_not_told(folder: Path) -> None:
    all_of_its_kind(folder)
    assert lint(folder) == []


def test_ipfs_path_of_the_older_kind_is_followed(folder: Path) -> None:
    image = json.loads((folder / "metadata/2").read_text())["image"]
    edited("metadata/2", image=image.replace("ipfs://", "ipfs://ipfs/"))(folder)
    assert lint(folder) == []


def test_only_five_gaps_are_told(folder: Path) -> None:
    copied("metadata/1", "metadata/9999999999")(folder)
    assert sum("is missing" in fault.problem for fault in lint(folder)) == 5


def test_pixels_are_the_same_in_one_shape_only(folder: Path) -> None:
    Image.new("RGB", (64, 32)).save(folder / "images/1.png")
    Image.new("RGB", (32, 64)).save(folder / "images/2.png")
    assert not any("same pixels" in fault.problem for fault in lint(folder))


def test_bytes_in_an_image_are_read_for_paths(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = "/home/ann/toads/2.xcf"  # ImageDescription
    Image.radial_gradient("L").resize((64, 64)).save(folder / "images/2.png", exif=exif)
    assert any("its 'exif' names a private path, /home/ann/" in fault.problem for fault in lint(folder))


def test_signature_is_no_file_too_many(folder: Path) -> None:
    written("manifest.signature.json", b"{}")(folder)
    assert lint(folder) == []
