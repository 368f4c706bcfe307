"""Signing a manifest by a keystore's key: wallets' own form of it, and nothing of the key in any error."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from eth_hash.auto import keccak

from errors import BadKey, BadRelease
from minting.ethereum import Account, encode_defunct
from minting.manifest import FILE, SIGNATURE
from minting.signing import message, read_keystore, sign_manifest, signer

KEY = "0x" + "42" * 32
PASSWORD = "correct horse"


@pytest.fixture
def keystore(tmp_path: Path) -> Path:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(Account.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=2)))
    return file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / FILE).write_text('{"format": 1}')
    return tmp_path


def test_signature_names_its_signer(folder: Path, keystore: Path) -> None:
    file = sign_manifest(folder, read_keystore(keystore, PASSWORD))
    assert file == folder / SIGNATURE
    assert signer((folder / FILE).read_bytes(), file) == Account.from_key(KEY).address


def test_signature_is_what_wallets_make(folder: Path, keystore: Path) -> None:
    about = json.loads(sign_manifest(folder, read_keystore(keystore, PASSWORD)).read_text())
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    assert about["message"] == f"Toadworks release manifest\nSHA-256: {digest}"
    assert about["scheme"] == "EIP-191"
    made = Account.sign_message(encode_defunct(text=about["message"]), KEY)
    assert about["signature"] == "0x" + made.signature.hex()
    # EIP-191, version 0x45: the prefix and the length in decimal stand before the text
    text = about["message"].encode()
    assert keccak(b"\x19Ethereum Signed Message:\n" + str(len(text)).encode() + text) == bytes(made.message_hash)


def test_changed_manifest_is_not_signed(folder: Path, keystore: Path) -> None:
    file = sign_manifest(folder, read_keystore(keystore, PASSWORD))
    with pytest.raises(BadRelease, match="did not sign this manifest"):
        signer(b'{"format": 2}', file)


def test_signature_under_another_name_is_none(folder: Path, keystore: Path) -> None:
    file = sign_manifest(folder, read_keystore(keystore, PASSWORD))
    other = Account.from_key("0x" + "43" * 32).address
    file.write_text(json.dumps({**json.loads(file.read_text()), "address": other}))
    with pytest.raises(BadRelease, match=f"{other} did not sign"):
        signer((folder / FILE).read_bytes(), file)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"address": 1, "signature": "0x12"}', '{"address": "a", "signature": "zz"}']
)
def test_what_is_no_signature_is_told(folder: Path, content: str) -> None:
    (folder / SIGNATURE).write_text(content)
    with pytest.raises(BadRelease, match=SIGNATURE):
        signer(b"", folder / SIGNATURE)


def test_wrong_password_says_nothing_of_it(keystore: Path) -> None:
    with pytest.raises(BadKey, match="the password does not open it") as caught:
        read_keystore(keystore, "wrong horse")
    assert "wrong horse" not in str(caught.value) and caught.value.__suppress_context__


def damaged(*keys: str, value: object) -> str:
    content = Account.encrypt(KEY, PASSWORD, kdf="pbkdf2", iterations=2)
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    return json.dumps(content)


@pytest.mark.parametrize(
    "content",
    [KEY, "7", "[]", "{}", json.dumps({"version": 3, "crypto": {"kdf": KEY}}), "\xff", "[" * 100_000,
     damaged("crypto", "kdfparams", "prf", value=KEY), damaged("crypto", "kdfparams", "prf", value=None),
     damaged("crypto", "kdfparams", "c", value=2**70)],
)  # fmt: skip
def test_what_is_no_keystore_is_not_repeated(tmp_path: Path, content: str) -> None:
    file = tmp_path / "key.json"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(BadKey, match=r"key\.json: it is no keystore") as caught:
        read_keystore(file, PASSWORD)
    assert "4242" not in str(caught.value) and caught.value.__suppress_context__


def test_missing_keystore_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="cannot be read"):
        read_keystore(tmp_path / "no.json", PASSWORD)


def test_message_changes_with_every_byte() -> None:
    assert message(b"a") != message(b"b") and len(message(b"a").splitlines()) == 2


def test_nested_calls_keep_their_bound() -> None:
    told = (
        "import sys; before = sys.getrecursionlimit(); import minting.signing; print(before, sys.getrecursionlimit())"
    )
    before, after = subprocess.run(
        [sys.executable, "-c", told], capture_output=True, text=True, check=True
    ).stdout.split()
    assert before == after
