"""Unsigned varints: seven bits a byte, the lowest first (LEB128), as CIDs, CAR files and protobuf have them."""

from __future__ import annotations

MOST_BYTES = 9  # so that every value is below 2^63 (multiformats' unsigned-varint)


class Malformed(ValueError):
    """Bytes that are not what they should be; whoever knows the file and the offset makes an error for users of it."""


def varint(value: int) -> bytes:
    """`value`, 0 or more, in as few bytes as it takes."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    """The value that begins at `at`, and where it ends. Raises Malformed if it is cut off, of more than `MOST_BYTES`,
    or longer than it need be."""
    value = 0
    for place in range(MOST_BYTES):
        if at + place >= len(data):
            raise Malformed("a number is cut off")
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            if byte == 0 and place:
                raise Malformed("a number is written longer than it need be")
            return value, at + place + 1
    raise Malformed(f"a number has more than {MOST_BYTES} bytes")
