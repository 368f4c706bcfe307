"""Signing a manifest with an Ethereum key, so that holders see who stands behind it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from eth_utils.exceptions import ValidationError

from durable import write_json
from errors import BadKey, BadRelease
from minting.ethereum import Account, LocalAccount, encode_defunct
from minting.manifest import FILE, SIGNATURE

SCHEME = "EIP-191"
_NO_KEYSTORE = "it is no keystore of version 3, as geth, foundry and other wallets write them"
# what the library makes of such a file
_STRANGE = (
    *(AssertionError, AttributeError, KeyError, NotImplementedError, OverflowError, RecursionError, TypeError),
    ValidationError,
)


def read_keystore(file: Path, password: str) -> LocalAccount:
    """The key of a keystore file (Web3 Secret Storage, version 3, as geth and foundry write them).

    Raises BadKey for a file that is none, or a password that does not open it; neither is repeated.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return Account.from_key(Account.decrypt(content, password))
    except OSError as error:
        raise BadKey(file, f"the keystore cannot be read ({error.strerror})") from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise BadKey(file, _NO_KEYSTORE) from None
    except ValueError:
        raise BadKey(file, "the password does not open it") from None
    except _STRANGE:  # what such a file holds is a key: no library's words on it are passed on
        raise BadKey(file, _NO_KEYSTORE) from None


def sign_manifest(folder: Path, account: LocalAccount) -> Path:
    """Sign the manifest that lies in `folder`, and write the signature beside it."""
    said = message((folder / FILE).read_bytes())
    signed = account.sign_message(encode_defunct(text=said))
    about = {"scheme": SCHEME, "address": account.address, "message": said, "signature": "0x" + signed.signature.hex()}
    file = folder / SIGNATURE
    write_json(file, about)
    return file


def signer(manifest: bytes, file: Path) -> str:
    """The address that signed these bytes, as the signature in `file` says. Raises BadRelease where it did not."""
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        address, signature = str(about["address"]), bytes.fromhex(str(about["signature"]).removeprefix("0x"))
        found: Any = Account.recover_message(encode_defunct(text=message(manifest)), signature=signature)
    except OSError as error:
        raise BadRelease(file, [f"the signature cannot be read ({error.strerror})"]) from error
    except Exception as error:  # what is wrong with a signature comes as many kinds of errors
        raise BadRelease(file, [f"it holds no signature ({type(error).__name__})"]) from error
    if found != address:
        raise BadRelease(
            file, [f"{address} did not sign this manifest: it was changed since, or another key signed it"]
        )
    return address


def message(manifest: bytes) -> str:
    """What is signed, by `personal_sign` (EIP-191, version 0x45): wallets show it as text, and can check it, too."""
    return f"Toadworks release manifest\nSHA-256: {hashlib.sha256(manifest).hexdigest()}"
