"""What a token's URI leads to. Anybody may have written it, so nothing of it is believed, and little of it is shown."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_to_bytes, urlsplit, urlunsplit

from errors import BadSource, BadValue
from minting.ipfs.cids import parse_cid

LONGEST = 8_000  # characters of a URI that holds no data
MOST_SHOWN = 120  # characters
_CID = re.compile(r"[A-Za-z0-9]{20,200}")
_ARWEAVE = re.compile(r"[A-Za-z0-9_-]{43}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_HOST = re.compile(r"[A-Za-z0-9._~:\[\]@-]+")  # with a port, an IPv6 address, or a user, which is refused later
_KEPT = "/%:@!$&'()*+,;=~-._?"  # as they stand in a URL that somebody wrote


@dataclass(frozen=True)
class InIpfs:
    """A file of IPFS: its root's CID as it was written, and the names that lead to it from there."""

    cid: str
    path: tuple[str, ...] = ()


@dataclass(frozen=True)
class Linked:
    """A file at an http or https address, as ASCII."""

    url: str


@dataclass(frozen=True)
class Inline:
    """A file that the URI holds itself."""

    data: bytes


Place = InIpfs | Linked | Inline


def shown(text: str) -> str:
    """A URI for people: without control characters, and short."""
    return harmless(text) if len(text) <= MOST_SHOWN else harmless(text[:MOST_SHOWN]) + "..."


def harmless(text: str) -> str:
    """A text for a terminal, whoever wrote parts of it."""
    return "".join(letter if letter.isprintable() and letter.isascii() else "?" for letter in text)


def place_of(uri: str, *, arweave: str = "https://arweave.net") -> Place:
    """Where the file is that `uri` names: ipfs:, https:, http:, data: (RFC 2397) or ar: (through the gateway
    `arweave`), or SVG or JSON as it is. An address of an IPFS gateway counts as its content: gateways come and go.

    Raises BadSource for any other, and for one that is none, such as a path that leads out of its folder.
    """
    uri = uri.strip()
    if uri[:1] in ("{", "<"):
        return Inline(uri.encode(errors="replace"))
    scheme = found[1].lower() if (found := _SCHEME.match(uri)) else ""
    if scheme == "data":
        return Inline(data_of(uri))
    if len(uri) > LONGEST:
        raise BadSource(shown(uri), f"a URI of {len(uri)} characters; at most {LONGEST} are taken")
    if not uri or any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in uri):
        raise BadSource(shown(uri), "no URI" if uri else "the URI is empty")
    if scheme == "ipfs":
        return _in_ipfs(uri, uri[5:].lstrip("/").removeprefix("ipfs/"))
    if scheme == "ar":
        id, _, inside = uri[3:].lstrip("/").partition("/")
        if not _ARWEAVE.fullmatch(id):
            raise BadSource(shown(uri), "no address of Arweave, ar://ID")
        return Linked(f"{arweave.rstrip('/')}/{id}" + (f"/{quote(inside, safe=_KEPT)}" if inside else ""))
    if scheme in ("http", "https"):
        return _of_gateway(uri) or Linked(_ascii(uri))
    if not scheme and _CID.fullmatch(uri.partition("/")[0]) and _is_cid(uri.partition("/")[0]):
        return _in_ipfs(uri, uri)
    told = f"a URI of the kind {shown(scheme)}:" if scheme else "a URI without a kind"
    raise BadSource(shown(uri), f"{told}; taken are ipfs:, https:, data: and ar:")


def with_id(uri: str, id: int) -> str:
    """ERC-1155: {id} stands for the token's id, 64 digits of hexadecimal."""
    return uri.replace("{id}", f"{id:064x}")


def data_of(uri: str) -> bytes:
    """The bytes of a data: URI, in base64 or percent-encoded. A # in it is a part of it, as contracts write it. Raises
    BadSource."""
    head, comma, body = uri[5:].partition(",")
    if not comma:
        raise BadSource(shown(uri), "a data: URI without a comma")
    data = unquote_to_bytes(body.encode(errors="replace"))
    if not head.lower().replace(" ", "").endswith(";base64"):
        return data
    packed = b"".join(data.split()).replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadSource(shown(uri), "a data: URI whose base64 is damaged") from None


def _in_ipfs(uri: str, rest: str) -> InIpfs:
    cid, _, inside = rest.partition("/")
    cid = cid.partition("?")[0].partition("#")[0]
    if not _CID.fullmatch(cid):
        raise BadSource(shown(uri), "no address of IPFS, ipfs://CID/PATH")
    names = tuple(unquote(name) for name in inside.partition("?")[0].split("/") if name)
    if any(name in (".", "..") or "/" in name or "\0" in name or "\ufffd" in name for name in names):
        raise BadSource(shown(uri), "its path leads out of its folder, or is not UTF-8")
    return InIpfs(cid, names)


def _of_gateway(uri: str) -> InIpfs | None:
    """https://GATEWAY/ipfs/CID/PATH and https://CID.ipfs.GATEWAY/PATH."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return None
    before, _, rest = parts.path.partition("/ipfs/")
    if rest and not before and _is_cid(rest.partition("/")[0]):
        return _in_ipfs(uri, rest)
    label, _, other = host.partition(".")
    if other.startswith("ipfs.") and _is_cid(label):
        return _in_ipfs(uri, label + parts.path)
    return None


def _is_cid(text: str) -> bool:
    try:
        parse_cid(text)
    except BadValue:
        return False
    return True


def _ascii(uri: str) -> str:
    try:
        parts = urlsplit(uri)
        host = parts.netloc
        if not host.isascii() and "@" not in host:
            host = (parts.hostname or "").encode("idna").decode() + (f":{parts.port}" if parts.port else "")
    except (ValueError, UnicodeError):
        raise BadSource(shown(uri), "no address") from None
    if not _HOST.fullmatch(host):
        raise BadSource(shown(uri), "no address")
    path, query = (quote(text, safe=_KEPT, errors="replace") for text in (parts.path, parts.query))
    return urlunsplit((parts.scheme, host, path, query, ""))
