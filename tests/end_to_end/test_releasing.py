"""The release as a person makes it: exported and signed, looked over, verified by somebody else, with CIDs and CARs."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from minting.ethereum import Account

Run = Callable[..., subprocess.CompletedProcess[str]]
PASSWORD = "a long enough password"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory, toadworks: Run, small_collection) -> Path:
    folder = small_collection(tmp_path_factory.mktemp("home"), 2, previews="true").folder
    told = toadworks("run", "--accept", "leaders", cwd=folder)
    assert told.returncode == 0, told.stderr
    return folder


@pytest.fixture(scope="module")
def keystore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "key.json"
    file.write_text(json.dumps(Account.encrypt("0x" + "42" * 32, PASSWORD, kdf="pbkdf2", iterations=2)))
    return file


@pytest.fixture(scope="module")
def release(pond: Path, keystore: Path, toadworks: Run) -> Path:
    """Exported with a placeholder, and signed."""
    command = ("export", "--placeholder", "--sign", keystore)
    wrong = toadworks(*command, cwd=pond, TOADWORKS_KEYSTORE_PASSWORD="wrong")
    assert (wrong.returncode, wrong.stderr) == (2, f"toadworks: {keystore}: the password does not open it\n")
    assert not (pond / "release").exists()
    nobody = toadworks(*command, cwd=pond)
    assert nobody.returncode == 2 and nobody.stderr.count("\n") == 1 and "TOADWORKS_KEYSTORE_PASSWORD" in nobody.stderr
    told = toadworks(*command, cwd=pond, TOADWORKS_KEYSTORE_PASSWORD=PASSWORD)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("signed:") == 2 and PASSWORD not in told.stdout + told.stderr
    return pond / "release"


def test_nothing_is_wrong_with_it(release: Path, pond: Path, toadworks: Run) -> None:
    assert "nothing is wrong with" in toadworks("lint", cwd=pond).stdout
    told = toadworks("lint", pond / "placeholder", cwd=pond.parent)
    assert told.returncode == 0, told.stderr


def test_anybody_can_verify_it(release: Path, tmp_path: Path, toadworks: Run) -> None:
    elsewhere = shutil.copytree(release, tmp_path / "copy")
    address = Account.from_key("0x" + "42" * 32).address
    told = toadworks("verify", elsewhere / "manifest.json", "--signer", address, cwd=tmp_path)
    assert told.returncode == 0, told.stderr
    assert f"signed by {address}" in told.stdout and "all as manifest.json says" in told.stdout
    other = toadworks("verify", elsewhere, "--signer", "0x" + "1" * 40, cwd=tmp_path)
    assert other.returncode == 2 and f"signed by {address}, and not by 0x1111" in other.stderr
    wrong = toadworks("verify", elsewhere / "collection.json", cwd=tmp_path)  # and not the manifest beside it
    assert wrong.returncode == 2 and "manifest.json in its release's folder" in wrong.stderr
    odd = toadworks("verify", "--signer", "0x12", cwd=release.parent)
    assert odd.returncode == 2 and "signer '0x12' cannot be used" in odd.stderr
    image = elsewhere / "images" / "1.png"
    image.write_bytes(image.read_bytes() + b"\n")
    (elsewhere / "metadata" / "2").unlink()
    told = toadworks("verify", elsewhere, cwd=tmp_path)
    assert told.returncode == 2
    for line in ("images/1.png: has ", "images: its CID is ", "metadata/2: is not there"):
        assert line in told.stderr
    told = toadworks("lint", elsewhere, cwd=tmp_path)
    assert told.returncode == 2 and "images/2.png: has no metadata" in told.stderr


def test_cids_are_those_of_the_manifest(release: Path, tmp_path: Path, toadworks: Run) -> None:
    manifest = json.loads((release / "manifest.json").read_text())
    assert list(manifest["parts"]) == ["images", "previews", "metadata", "collection.json"]
    told = toadworks("cid", release / "metadata", cwd=tmp_path)
    assert told.stdout.strip() == manifest["parts"]["metadata"]["cid"]
    metadata = json.loads((release / "metadata" / "1").read_text())
    assert metadata["image"] == f"ipfs://{manifest['parts']['images']['cid']}/1.png"
    assert metadata["animation_url"] == f"ipfs://{manifest['parts']['previews']['cid']}/1.webp"


def test_pages_name_what_is_there(release: Path) -> None:
    for page in ("index.html", "rarity.html"):
        text = (release / page).read_text("utf-8")
        assert 'src="images/1.png"' in text and "http" not in text
    assert 'src="previews/1.webp"' in (release / "index.html").read_text("utf-8")
    assert (release / "rarity.csv").read_text("utf-8").startswith("number,name,rank,score,")
    assert (release / "opensea.csv").read_text("utf-8").startswith("tokenID,name,description,file_name,external_url,")


def test_second_export_is_the_same_to_the_byte(release: Path, pond: Path, tmp_path: Path, toadworks: Run) -> None:
    before = shutil.copytree(release, tmp_path / "before")
    (before / "manifest.signature.json").unlink()
    told = toadworks("export", cwd=pond)
    assert told.returncode == 0 and "the release before was signed, and this one is not" in told.stderr
    assert "INFO" not in told.stdout + told.stderr  # Prefect says nothing of itself
    files = {file.relative_to(release) for file in release.rglob("*") if file.is_file()}
    assert files == {file.relative_to(before) for file in before.rglob("*") if file.is_file()}
    assert all((release / file).read_bytes() == (before / file).read_bytes() for file in files)


def test_publishing_freezes_numbers(release: Path, pond: Path, toadworks: Run) -> None:
    asked = toadworks("publish", "--to", "../public", cwd=pond)
    assert asked.returncode == 2 and "--yes does it unasked" in asked.stderr and not (pond.parent / "public").exists()
    told = toadworks("publish", "--to", "../public", "--yes", cwd=pond)
    assert told.returncode == 0, told.stderr
    assert "tokens keep their numbers from then on" in told.stdout and "this place puts nothing there" in told.stderr
    again = toadworks("publish", "--to", "../public", cwd=pond)
    assert again.returncode == 0 and "were verified earlier" in again.stdout and "for ever" not in again.stdout
    manifest = json.loads((release / "manifest.json").read_text())
    assert f"for the contract: base URI {manifest['base_uri']}, contractURI {manifest['contract_uri']}" in told.stdout
    for token in manifest["tokens"]:
        for path in (token["image"]["path"], token["metadata"]["path"]):
            assert (pond.parent / "public" / path).read_bytes() == (release / path).read_bytes()
    assert json.loads((pond / "published.json").read_text())[0]["stage"] == "release"
    [second] = [token["recipe"] for token in manifest["tokens"] if token["number"] == 2]
    toadworks("reject", second, cwd=pond)
    told = toadworks("export", cwd=pond)
    assert told.returncode == 2 and "token 2 (candidate" in told.stderr and "--renumber" in told.stderr
    toadworks("accept", second, cwd=pond)
    assert toadworks("verify", pond.parent / "public", cwd=pond).returncode == 0
