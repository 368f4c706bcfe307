"""Publishing a collection's release: the settings that say where to, and what is checked before anything is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from errors import BadRelease, BadSetting, BadValue, NothingLeft, NotPublished, RunFailed
from flows.export import write_tokens
from flows.publish import FOLDER, Published, publish
from flows.settings import Settings
from minting.manifest import read_manifest
from minting.uploading.kubo import AUTH
from minting.uploading.pinata import JWT as JWT_NAME
from minting.uploading.sending import Cost
from tests.collection_db.serving import Service
from tests.flows.ponds import Pond, drawing
from tests.minting.uploading.ipfs_service import JWT, Ipfs, serving
from tests.minting.uploading.releases import contents, write_manifest, write_release

Collection = Callable[..., Settings]


@pytest.fixture
def toads(collection: Collection, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Settings]:
    """toads(to="...", patience=1): a collection with a release, and these keys in [publish]."""
    for name in (JWT_NAME, AUTH):
        monkeypatch.delenv(name, raising=False)

    def made(**publish: object) -> Settings:
        lines = [f"{key} = {json.dumps(value)}" for key, value in ({"patience": 2} | publish).items()]
        settings = collection("\n".join(["[publish]", *lines]))
        if not settings.release_folder.exists():
            write_release(settings.release_folder)
        return settings

    return made


@pytest.fixture
def ipfs() -> Iterator[Ipfs]:
    with serving() as service:
        yield service


def yes(shown: str, cost: Cost) -> bool:
    return True


def sent(settings: Settings, to: str = "", **more: bool) -> Published:
    done = publish(settings, to, agree=yes, **more)
    assert done is not None
    return done


def test_folder_of_the_settings_is_beside_them(toads: Callable[..., Settings]) -> None:
    settings = toads(to="out")
    before, done = datetime.now(UTC), sent(settings)
    assert contents(settings.folder / "out") == contents(settings.release_folder)
    assert done.to == str(settings.folder / "out") and before <= done.at <= datetime.now(UTC)
    assert (done.sent, done.cost.pieces, done.left_out) == (10, 10, ())
    assert list(done.roots) == ["images", "metadata", "collection.json"]
    assert done.uris["images"] == (settings.folder / "out" / "images").as_uri()


def test_folder_that_is_typed_is_from_here(
    toads: Callable[..., Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    settings = toads(to="out")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert sent(settings, "copy").to == str(tmp_path / "elsewhere" / "copy")


def test_bucket_of_the_settings(toads: Callable[..., Settings], bucket: Path, s3: Service) -> None:
    settings = toads(to=f"s3://{bucket.name}/pond", endpoint_url=s3.url)
    done = sent(settings)
    assert contents(bucket / "pond") == contents(settings.release_folder)
    assert done.uris["metadata"] == f"s3://{bucket.name}/pond/metadata/"


def test_kubo_of_the_settings(toads: Callable[..., Settings], ipfs: Ipfs, monkeypatch: pytest.MonkeyPatch) -> None:
    ipfs.authorization = "Bearer toad"
    monkeypatch.setenv(AUTH, ipfs.authorization)
    settings = toads(to=f"kubo:{ipfs.url}")
    done = sent(settings)
    assert done.uris == {name: f"ipfs://{cid}" + "/" * (name != "collection.json") for name, cid in done.roots.items()}
    assert done.left_out == ("collection.csv", "index.html", "manifest.json")
    assert list(done.roots.values()) == ipfs.pins
    assert not (settings.folder / FOLDER / "cars").exists()


def test_pinata_of_the_settings(toads: Callable[..., Settings], ipfs: Ipfs, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = toads(to="pinata", endpoint_url=ipfs.url, gateway=ipfs.url)
    with pytest.raises(BadSetting, match="environment: TOADWORKS_PINATA_JWT: is not set"):
        sent(settings)
    monkeypatch.setenv(JWT_NAME, f" {JWT}\n")
    assert sent(settings).sent == 3
    assert JWT not in "".join(file.read_text("utf-8", "ignore") for file in (settings.folder / FOLDER).rglob("*.*"))


@pytest.mark.parametrize("profile", ["unixfs-v0-2015", "kubo --cid-version=1"])
def test_other_profiles_keep_their_cids(toads: Callable[..., Settings], ipfs: Ipfs, profile: str) -> None:
    settings = toads(to=f"kubo:{ipfs.url}")
    write_manifest(settings.release_folder, profile)
    done = sent(settings)
    assert done.roots["images"].startswith("Qm") == (profile == "unixfs-v0-2015")
    assert list(done.roots.values()) == ipfs.pins


@pytest.mark.slow
def test_large_folder_is_read_back_whole(toads: Callable[..., Settings], ipfs: Ipfs, collection: Collection) -> None:
    settings = collection(f'[publish]\nto = "kubo:{ipfs.url}"\n')
    write_release(settings.release_folder, tokens=6000, size=40)  # its folders are shards
    assert sent(settings).cost.pieces == 3
    assert len(ipfs.blocks) > 12_000


def test_what_export_writes_is_published(pond: Callable[..., Pond], ipfs: Ipfs) -> None:
    made = pond(text=f'[publish]\nto = "kubo:{ipfs.url}"\n[release]\nimage_size = 64\n')
    ids = made.add([(0, drawing(5)), (0, drawing(6))])
    made.table.decide(ids, "accept", "ann")
    write_tokens.fn(str(made.settings.file), placeholder=True)
    done = sent(made.settings)
    manifest = read_manifest(made.settings.release_folder / "manifest.json")
    assert (done.stage, done.roots) == ("release", {name: part.cid for name, part in manifest.parts.items()})
    assert ipfs.pins == list(done.roots.values())
    folder = made.settings.folder / "out"
    assert sent(made.settings, str(folder)).cost.pieces == len(manifest.all_files()) + 1
    assert contents(folder) == contents(made.settings.release_folder)

    shown = sent(made.settings, placeholder=True)
    assert shown.stage == "placeholder" and set(shown.roots.values()) <= set(ipfs.pins)
    made.table.close()


def test_nothing_is_sent_without_a_yes(toads: Callable[..., Settings]) -> None:
    settings, asked = toads(to="out"), list[tuple[str, Cost]]()
    assert publish(settings, agree=lambda *told: bool(asked.append(told))) is None
    [(shown, cost)] = asked
    assert shown == str(settings.folder / "out") and cost.to_send == 10
    assert not (settings.folder / "out").exists()


def test_changed_release_is_not_sent(toads: Callable[..., Settings]) -> None:
    settings = toads(to="out")
    (settings.release_folder / "images" / "1.png").write_bytes(b"frog")
    with pytest.raises(BadRelease, match=r"images/1\.png: has 4 bytes, and 3001 in manifest\.json"):
        sent(settings)
    assert not (settings.folder / "out").exists()


def test_manifest_with_another_cid_is_not_sent(toads: Callable[..., Settings], ipfs: Ipfs) -> None:
    settings = toads(to=f"kubo:{ipfs.url}")
    manifest = settings.release_folder / "manifest.json"
    given = json.loads(manifest.read_text())
    given["parts"]["metadata"]["cid"] = given["parts"]["images"]["cid"]
    manifest.write_text(json.dumps(given))
    with pytest.raises(BadRelease, match=r"metadata: its CID is bafy.*, and the manifest says bafy"):
        sent(settings)
    assert ipfs.pins == []


def test_one_process_at_a_time(toads: Callable[..., Settings]) -> None:
    settings = toads(to="out")
    sent(settings)
    with (
        FileLock(settings.folder / FOLDER / "lock"),
        pytest.raises(RunFailed, match="another process publishes this collection"),
    ):
        sent(settings)


def test_place_that_fails_names_what_is_missing(toads: Callable[..., Settings], ipfs: Ipfs) -> None:
    ipfs.says = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
    settings = toads(to=f"kubo:{ipfs.url}")
    with pytest.raises(NotPublished) as caught:
        sent(settings)
    assert caught.value.missing == ["images", "metadata", "collection.json"]
    ipfs.says = ""
    assert sent(settings).sent == 3


def test_no_release_no_place(collection: Collection, toads: Callable[..., Settings]) -> None:
    with pytest.raises(BadSetting, match=r"publish\.to: is empty, and no --to was given; allowed: a folder, s3://"):
        sent(collection())
    with pytest.raises(NothingLeft, match="`toadworks export` writes the release first"):
        sent(collection(), "out")


SECRET = "s3cr3t-pa55"
NO_PLACES = [
    f"gs://{SECRET}/x",
    f"https://toad:{SECRET}@pin.example",
    "s3://Toads",
    f"s3://toad:{SECRET}@toads",
    "kubo:127.0.0.1:5001",
    f"kubo:http://toad:{SECRET}@",
    "kubo:",
    "Pinata:",
    "ipfs:x",
    ".",
    " ",
]


@pytest.mark.parametrize("to", NO_PLACES)
def test_what_is_no_place_is_told(toads: Callable[..., Settings], collection: Collection, to: str) -> None:
    with pytest.raises(BadSetting, match=r"collection\.toml: publish\.to: names no place to publish to") as caught:
        toads(to=to)
    assert SECRET not in str(caught.value)
    with pytest.raises(BadSetting, match="command line: --to: names no place") as caught:
        sent(collection(), to)
    assert SECRET not in str(caught.value)


BAD = [
    ("endpoint_url", f"http://toad:{SECRET}@x", "is no service's URL"),
    ("gateway", f"ftp://{SECRET}", "is no gateway's URL"),
    ("parallel", 0, "0 is outside 1..32"),
    ("parallel", 33, "33 is outside 1..32"),
    ("patience", 0, "0 is outside 1..86400"),
    ("price_per_gb_month", -1.0, "-1.0 is no price"),
    ("price_per_gb_month", 1e9, "1000000000.0 is no price"),
]


@pytest.mark.parametrize(("key", "value", "told"), BAD, ids=str)
def test_values_that_cannot_be_are_told(toads: Callable[..., Settings], key: str, value: object, told: str) -> None:
    with pytest.raises(BadSetting, match=rf"publish\.{key}: {told}") as caught:
        toads(to="out", **{key: value})
    assert SECRET not in str(caught.value)


def test_folder_takes_no_cars(toads: Callable[..., Settings]) -> None:
    with pytest.raises(BadSetting, match=r"publish\.car: has no meaning for a folder"):
        toads(to="out", car=True)


def test_release_is_not_published_into_itself(toads: Callable[..., Settings]) -> None:
    settings = toads()
    with pytest.raises(BadValue, match="one apart from"):
        sent(settings, str(settings.release_folder))


def test_secret_that_no_header_holds_is_told(
    toads: Callable[..., Settings], ipfs: Ipfs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(AUTH, f"{SECRET}ü")
    with pytest.raises(BadSetting, match=f"environment: {AUTH}: holds letters that cannot be sent") as caught:
        sent(toads(to=f"kubo:{ipfs.url}"))
    assert SECRET not in str(caught.value) and os.environ[AUTH].startswith(SECRET)
