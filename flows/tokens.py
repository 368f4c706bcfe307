"""One token of a contract: its metadata and its image, fetched, checked and put into the folders of the sources."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durable import write_whole
from errors import BadSource
from flows.sources import read_attributes, read_image
from minting.origins.gateways import Gateways
from minting.origins.pictures import called, draw, suffix_of
from minting.origins.uris import InIpfs, Inline, Linked, place_of, shown, with_id
from minting.origins.web import Web

MB = 1_000_000  # bytes
LARGEST_METADATA = 1 * MB
MOST_RECENT, LARGEST_RECENT = 8, 4 * MB  # files that are kept for the next tokens, and bytes of each
LARGEST_INLINE = 6 * MB  # of metadata that the chain holds with its image in it
IMAGE_KEYS = ("image", "image_url", "image_data")  # OpenSea's metadata standards, in the order they are looked at


@dataclass
class Token:
    """`id`: in decimals; `uri`: as the contract gives it; `at`: the address that is being looked at."""

    id: str
    uri: str
    at: str = ""


@dataclass(frozen=True)
class File:
    """Bytes, and how they are told of: `verified` is None where there was no CID to hold them against."""

    data: bytes
    origin: str
    verified: bool | None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Fetcher:
    """Takes tokens into `folder`. Threads may share it. `largest`: bytes of an image."""

    def __init__(self, folder: Path, web: Web, gateways: Gateways, arweave: str, largest: int) -> None:
        self._folder, self._web, self._gateways = folder, web, gateways
        self._arweave, self._largest = arweave, largest
        self._lock = threading.Lock()
        self._recent: OrderedDict[str, File] = OrderedDict()  # before a reveal all tokens have the same image
        for name in ("images", "metadata", "svg", ".parts"):
            (folder / name).mkdir(exist_ok=True)

    def take(self, token: Token) -> dict[str, Any]:
        """What is to be noted of it, when its files are there. Raises BadSource, NotFetched for what cannot be taken;
        `token.at` then says where."""
        token.at = token.uri
        metadata = self._fetch(token, with_id(token.uri, int(token.id)), LARGEST_METADATA, LARGEST_INLINE)
        about = _object(metadata.data)
        uri = next((about[key] for key in IMAGE_KEYS if about.get(key)), None)
        if not isinstance(uri, str):
            raise BadSource(shown(token.at), f"its metadata names no image ({', '.join(IMAGE_KEYS)})")
        image = self._fetch(token, with_id(uri, int(token.id)), self._largest, self._largest)
        data, suffix = image.data, suffix_of(image.data)
        if not suffix:
            raise BadSource(
                shown(token.at), f"its image is {called(data)}; taken are PNG, GIF, JPEG, WebP, BMP, TIFF, SVG"
            )
        if suffix == ".svg":
            data, suffix = draw(image.data, shown(token.at)), ".png"
        return self._put(token, metadata, image, data, suffix)

    def _fetch(self, token: Token, uri: str, most: int, most_inline: int) -> File:
        token.at = uri
        place = place_of(uri, arweave=self._arweave)
        match place:
            case Inline(data):
                if len(data) > most_inline:
                    raise BadSource(shown(uri), f"is larger than {most_inline / MB:g} MB")
                return File(data, f"on chain, SHA-256 {hashlib.sha256(data).hexdigest()}", None)
            case InIpfs() | Linked():
                with self._lock:
                    if uri in self._recent:
                        return self._recent[uri]
                file = self._get(place, uri, most)
                with self._lock:
                    if len(file.data) <= LARGEST_RECENT:
                        self._recent[uri] = file
                    if len(self._recent) > MOST_RECENT:
                        self._recent.popitem(last=False)
                return file

    def _get(self, place: InIpfs | Linked, uri: str, most: int) -> File:
        if isinstance(place, Linked):
            return File(self._web.get(place.url, most), uri, None)
        got = self._gateways.read(place, most)
        return File(got.data, uri, got.verified)

    def _put(self, token: Token, metadata: File, image: File, data: bytes, suffix: str) -> dict[str, Any]:
        """Both files, once they are what a source may be, and each only as a whole."""
        text = metadata.data.removeprefix(b"\xef\xbb\xbf")
        part, beside = (self._folder / ".parts" / f"{token.id}{ending}" for ending in (suffix, ".json"))
        try:
            part.write_bytes(data)
            beside.write_bytes(text)
            read_attributes(beside)
            read_image(part)
        except BadSource as error:
            raise BadSource(shown(token.at), error.problem) from None
        finally:
            part.unlink(missing_ok=True)
            beside.unlink(missing_ok=True)
        name = f"{token.id}{suffix}"
        for other in (self._folder / "images").glob(f"{token.id}.*"):
            if other.name != name:
                other.unlink()  # of an earlier time, when it had another type
        write_whole(self._folder / "metadata" / f"{token.id}.json", text)
        write_whole(self._folder / "images" / name, data)
        noted = {
            "id": token.id,
            "token_uri": metadata.origin,
            "metadata_sha256": hashlib.sha256(text).hexdigest(),
            "metadata_verified": metadata.verified,
            "image_uri": image.origin,
            "image": name,
            "image_sha256": hashlib.sha256(data).hexdigest(),
            "image_verified": image.verified,
        }
        if data is not image.data:
            write_whole(self._folder / "svg" / f"{token.id}.svg", image.data)
            noted["svg_sha256"] = image.sha256
        return noted


def _object(data: bytes) -> dict[str, Any]:
    """Metadata as JSON. Raises BadSource."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadSource("", f"its metadata is not JSON in UTF-8; it is {called(data)}") from None
    if not isinstance(found, dict):
        raise BadSource("", "its metadata is not a JSON object")
    return found
