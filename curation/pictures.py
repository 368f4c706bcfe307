"""Routes for pictures. A picture's address is the SHA-256 of its bytes, so browsers may keep it for ever."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable

from fastapi import APIRouter, Request, Response
from PIL import Image

from collection_db import Assets

FOR_EVER = "private, max-age=31536000, immutable"
SIDE = 256  # pixels; smaller pictures are their own thumbnails
QUALITY = 82
KEPT_BYTES = 128 << 20
TYPES = {b"\x89PNG": "image/png", b"RIFF": "image/webp", b"\xff\xd8\xff": "image/jpeg"}


def pictures(assets: Assets) -> APIRouter:
    router, small = APIRouter(), Kept(KEPT_BYTES)

    @router.get("/image/{sha256}")
    def image(request: Request, sha256: str) -> Response:
        return _answer(request, sha256, lambda: assets.read(sha256))

    @router.get("/thumb/{sha256}")
    def thumb(request: Request, sha256: str) -> Response:
        return _answer(request, sha256, lambda: small.get(sha256, lambda: thumbnail(assets.read(sha256))))

    return router


class Kept:
    """Bytes in memory by name, the last used ones; at most `most` bytes in all."""

    def __init__(self, most: int) -> None:
        self.most, self.size = most, 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, name: str, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            if name in self._kept:
                self._kept.move_to_end(name)
                return self._kept[name]
        made = make()
        with self._lock:
            if name not in self._kept:
                self._kept[name] = made
                self.size += len(made)
            while self.size > self.most:
                self.size -= len(self._kept.popitem(last=False)[1])
        return made


def thumbnail(data: bytes) -> bytes:
    """The picture with at most `SIDE` pixels a side, as WebP; one that is as small already is given as it is."""
    with Image.open(io.BytesIO(data)) as image:
        if max(image.size) <= SIDE and len(data) < 4 * SIDE * SIDE // 10:
            return data
        image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        packed = io.BytesIO()
        image.save(packed, "WEBP", quality=QUALITY, method=2)
    return packed.getvalue()


def _answer(request: Request, name: str, make: Callable[[], bytes]) -> Response:
    headers = {"Cache-Control": FOR_EVER, "ETag": f'"{name}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    data = make()
    kind = next((kind for magic, kind in TYPES.items() if data.startswith(magic)), None)
    if kind is None:  # assets are pictures; whatever else lay among them is not shown in a browser
        return Response(status_code=415)
    return Response(data, media_type=kind, headers=headers)
