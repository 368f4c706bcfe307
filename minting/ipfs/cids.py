"""CIDs, the names of blocks: what a block is (its codec) and the SHA-256 of its bytes; as bytes and as text.

Version 0 is the hash alone, of a dag-pb block, in base58btc ("Qm..."); version 1 says version and codec before it, in
base32 ("bafy...", "bafk..."). See the CID specification and multibase.
"""

from __future__ import annotations

import base64
import binascii

from errors import BadValue
from minting.ipfs.varints import Malformed, take_varint

RAW, DAG_PB = 0x55, 0x70
CODECS = {RAW: "raw", DAG_PB: "dag-pb"}
SHA2_256, DIGEST_SIZE = 0x12, 32
SIZES = {0: 34, 1: 36}  # bytes of a CID of that version, with SHA-256
ALLOWED = 'a CID with SHA-256: version 1 in base32 ("bafy...", "bafk..."), or version 0 ("Qm...")'

_MULTIHASH = bytes((SHA2_256, DIGEST_SIZE))
_BEGINS = {RAW: bytes((1, RAW)) + _MULTIHASH, DAG_PB: bytes((1, DAG_PB)) + _MULTIHASH}
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_VALUE_58 = {letter: value for value, letter in enumerate(_BASE58)}
_LONGEST = 200  # characters; ours have 46 or 59


def make_cid(version: int, codec: int, digest: bytes) -> bytes:
    """The CID of a block with that SHA-256 `digest`. Version 0 knows dag-pb only; its raw blocks are version 1."""
    return _MULTIHASH + digest if version == 0 and codec == DAG_PB else _BEGINS[codec] + digest


def codec_of(cid: bytes) -> int:
    """The codec of a CID that `make_cid` or `take_cid` gave."""
    return DAG_PB if len(cid) == SIZES[0] else cid[1]


def digest_of(cid: bytes) -> bytes:
    """The SHA-256, 32 bytes, of the block that `cid` names."""
    return cid[-DIGEST_SIZE:]


def take_cid(data: bytes, at: int = 0) -> tuple[bytes, int]:
    """The CID that begins at `at`, and where it ends. Raises Malformed for one that is cut off or not known here."""
    if data[at : at + 2] == _MULTIHASH:
        end = at + SIZES[0]
    else:
        version, begins = take_varint(data, at)
        if version != 1:
            raise Malformed(f"a CID of version {version}, which is not known")
        codec, begins = take_varint(data, begins)
        kind, begins = take_varint(data, begins)
        size, begins = take_varint(data, begins)
        if codec not in CODECS:
            raise Malformed(f"a CID with the codec 0x{codec:x}; known are {_known(CODECS)}")
        if kind != SHA2_256:
            raise Malformed(f"a CID with the hash function 0x{kind:x}; known is SHA-256 (0x{SHA2_256:x})")
        if size != DIGEST_SIZE:
            raise Malformed(f"a CID with a SHA-256 of {size} bytes instead of {DIGEST_SIZE}")
        end = begins + size
    if end > len(data):
        raise Malformed("a CID is cut off")
    return data[at:end], end


def cid_text(cid: bytes) -> str:
    """The CID as people write it: version 0 in base58btc, version 1 in base32."""
    if len(cid) == SIZES[0]:
        return _to_base58(cid)
    return "b" + base64.b32encode(cid).decode().rstrip("=").lower()


def parse_cid(text: str) -> bytes:
    """The bytes of a CID that somebody wrote. Raises BadValue for what is none, is damaged, or is in another base."""
    try:
        if len(text) > _LONGEST:
            raise Malformed("too long")
        cid = _from_base58(text) if text.startswith("Qm") else _from_base32(text)
        taken, end = take_cid(cid)
    except Malformed as problem:
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
        raise BadValue("CID", shown, f"{ALLOWED}; this is {problem}") from None
    if end != len(cid):
        raise BadValue("CID", text, f"{ALLOWED}; this has {len(cid) - end} bytes too many")
    return taken


def _known(codes: dict[int, str]) -> str:
    return " and ".join(f"{name} (0x{code:x})" for code, name in codes.items())


def _from_base32(text: str) -> bytes:
    if not text.startswith("b"):
        raise Malformed("in another base, or no CID")
    body = text[1:]
    try:
        data = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError):
        raise Malformed("not base32") from None
    if "b" + base64.b32encode(data).decode().rstrip("=").lower() != text:  # upper case, or bits that are left over
        raise Malformed("not lower-case base32 in its shortest form")
    return data


def _from_base58(text: str) -> bytes:
    value = 0
    for letter in text:
        if letter not in _VALUE_58:
            raise Malformed("not base58btc")
        value = value * 58 + _VALUE_58[letter]
    if value.bit_length() > 8 * SIZES[0]:
        raise Malformed("too long for version 0")
    return value.to_bytes(SIZES[0], "big")


def _to_base58(data: bytes) -> str:
    """Of bytes that do not begin with 0, as a version 0 CID never does."""
    value, letters = int.from_bytes(data, "big"), []
    while value:
        value, rest = divmod(value, 58)
        letters.append(_BASE58[rest])
    return "".join(reversed(letters))
