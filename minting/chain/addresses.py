"""Addresses as people write them."""

from __future__ import annotations

import re

from eth_utils.address import is_checksum_address, to_checksum_address

from errors import BadValue

_FORM = re.compile(r"0[xX][0-9a-fA-F]{40}")


def checked_address(text: object) -> str:
    """With its checksum (EIP-55). Raises BadValue, which says what is wrong with it: a wrong checksum, the zero
    address, or a name, as names may point elsewhere tomorrow."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        name = "a name is not taken, as it may point elsewhere tomorrow: " if "." in str(text) else ""
        raise BadValue("address", str(text)[:60], f"{name}0x and 40 hexadecimal digits")
    digits = text[2:]
    if digits not in (digits.lower(), digits.upper()) and not is_checksum_address("0x" + digits):
        raise BadValue("address", text, "one whose capitals are its checksum (EIP-55): a character is wrong")
    if not int(digits, 16):
        raise BadValue("address", text, "not the zero address, which is nobody's")
    return to_checksum_address("0x" + digits)
