"""A release that was published is got back and verified, and every way of its being wrong is told by file."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from errors import BadRelease, BadValue
from flows.verifying import verify_folder, verify_published
from minting.ethereum import Account
from minting.ipfs import profile_named, write_car
from minting.manifest import FILE, SIGNATURE, Manifest, read_manifest
from minting.metadata import Release, Token
from minting.release import write_release
from minting.signing import sign_manifest
from minting.uploading import downloading
from tests.minting.uploading.ipfs_service import Ipfs, serving

MakeToken = Callable[..., Token]


@pytest.fixture
def folder(make_token: MakeToken, tmp_path: Path) -> Path:
    tokens = [make_token(number) for number in (1, 2, 3)]
    return write_release(tmp_path / "drop", tokens, Release(collection="Crayon Toads", image_size=64))


@pytest.fixture
def manifest(folder: Path, tmp_path: Path) -> Path:
    """Alone, as a stranger has it."""
    return Path(shutil.copyfile(folder / FILE, tmp_path / "given.json"))


@pytest.fixture
def gateway(folder: Path, tmp_path: Path) -> Iterator[Ipfs]:
    with serving() as service:
        about = read_manifest(folder / FILE)
        for name in about.parts:
            write_car(folder / name, tmp_path / "part.car", profile_named(about.profile))
            service.take_car((tmp_path / "part.car").read_bytes())
        yield service


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minting.uploading.asking.FIRST_WAIT_S", 0.01)


def test_gateway_gives_the_release_back(manifest: Path, gateway: Ipfs) -> None:
    lines = verify_published(manifest, gateway.url, None, ipfs=True)
    assert lines[0] == "Crayon Toads: 3 tokens, all as manifest.json says"
    files = read_manifest(manifest).all_files()
    assert len({line for line in gateway.asked if line.startswith("GET /ipfs/")}) == 7 < len(files)


@pytest.mark.parametrize("damage", ["other bytes", "more than", "bytes for"])
def test_wrong_copy_is_told_by_its_file(
    manifest: Path, gateway: Ipfs, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    about = read_manifest(manifest)
    given = downloading.addresses

    def lying(about: Manifest, *, ipfs: bool):
        """What the manifest says is not what the gateway has."""
        for entry, path in given(about, ipfs=ipfs):
            size = {"other bytes": 0, "more than": -1, "bytes for": 1}[damage]
            wrong = entry.model_copy(update={"sha256": "0" * 64, "bytes": entry.bytes + size})
            yield (wrong if entry.path == "images/2.png" else entry), path

    monkeypatch.setattr(downloading, "addresses", lying)
    with pytest.raises(BadRelease) as caught:
        verify_published(manifest, gateway.url, None, ipfs=True)
    assert len([fault for fault in caught.value.faults if fault.startswith("images/2.png: ")]) == 1
    assert damage in caught.value.faults[0] and about.tokens
    assert sum(line.endswith("/2.png") for line in gateway.asked) == 3  # it may have been damaged on its way


def test_what_is_not_there_is_told_and_the_rest_is_tried(
    manifest: Path, gateway: Ipfs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = read_manifest(manifest).tokens[1].image
    gateway.blocks = {cid: block for cid, block in gateway.blocks.items() if cid != gateway.named(image.cid)}
    faults = downloading.download(read_manifest(manifest), gateway.url, tmp_path / "got", ipfs=True, patience_s=0.2)
    assert [fault.file for fault in faults] == ["images/2.png"]
    assert len(list((tmp_path / "got" / "images").iterdir())) == 2


def test_url_that_is_none_is_refused(manifest: Path) -> None:
    with pytest.raises(BadValue):
        verify_published(manifest, "ftp://toads.art", None, ipfs=False)


def test_site_gives_every_file_back(manifest: Path, folder: Path, site: str) -> None:
    assert verify_published(manifest, f"{site}/drop", None, ipfs=False)[0].startswith("Crayon Toads: 3 tokens")
    (folder / "index.html").write_text("another page")
    with pytest.raises(BadRelease, match=r"index\.html: http://127\.0\.0\.1:\d+/drop gives "):
        verify_published(manifest, f"{site}/drop", None, ipfs=False)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A plain web server over the folder that the release lies in."""
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_name_cannot_pass_for_what_is_said(make_token: MakeToken, tmp_path: Path) -> None:
    name = "Toads\nsigned by 0x52908400098527886E0F7030069857D2E4169EE7\x1b[8m"
    folder = write_release(tmp_path / "named", [make_token()], Release(collection=name, image_size=64))
    lines = verify_folder(folder, None)
    assert lines[0].startswith("Toads?signed by") and "".join(lines).isprintable()
    assert lines[-1] == "not signed"


def signed(folder: Path) -> str:
    account = Account.from_key("0x" + "42" * 32)
    sign_manifest(folder, account)
    return str(account.address)


def test_signer_is_asked_for_in_any_case(folder: Path) -> None:
    address = signed(folder)
    for spelt in (address, address.lower()):
        assert f"signed by {address}" in verify_folder(folder, spelt)
    other = "0x" + "1" * 40
    with pytest.raises(BadRelease, match=f"is signed by {address}, and not by {other}"):
        verify_folder(folder, other)
    (folder / SIGNATURE).unlink()
    with pytest.raises(BadRelease, match="not signed"):
        verify_folder(folder, address)


def test_signature_beside_the_manifest_goes_with_it(folder: Path, gateway: Ipfs, tmp_path: Path) -> None:
    address = signed(folder)
    (tmp_path / "given").mkdir()
    for name in (FILE, SIGNATURE):
        shutil.copyfile(folder / name, tmp_path / "given" / name)
    assert f"signed by {address}" in verify_published(
        tmp_path / "given" / FILE, f"{gateway.url}/ipfs/", address, ipfs=True
    )


def test_missing_file_is_told_once(manifest: Path, folder: Path, site: str) -> None:
    (folder / "index.html").unlink()
    with pytest.raises(BadRelease) as caught:
        verify_published(manifest, f"{site}/drop/", None, ipfs=False)
    assert [fault.split(":")[0] for fault in caught.value.faults] == ["index.html"]
