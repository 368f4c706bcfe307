"""CARv1, the archive of blocks: a header that names the roots, then each block after its CID. Written and read here.

What is read may come from anywhere, so nothing in it is believed: each length is checked before so much is read, and
each block against its hash.
"""

from __future__ import annotations

from minting.ipfs.varints import varint

_ROOTS, _VERSION_1 = b"\xa2\x65roots", b"\x67version\x01"  # DAG-CBOR: a map of two keys, the shorter one first
_CID_TAG = b"\xd8\x2a"  # 42


def header(root: bytes) -> bytes:
    """The header of a file with this one root, a CID of 22 to 254 bytes; its length depends on the CID's alone."""
    cbor = b"".join((_ROOTS, b"\x81", _CID_TAG, b"\x58", bytes((len(root) + 1,)), b"\0", root, _VERSION_1))
    return varint(len(cbor)) + cbor
