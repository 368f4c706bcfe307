"""A server on this machine that speaks what the documentation of kubo (its RPC), of Pinata (files, TUS) and of IPFS
gateways says. It keeps blocks, by a reader of CARs of its own; it is none of those programs."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import json
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.minting.uploading import dags

JWT = "eyJ0b2FkIjoic2VjcmV0In0.dG9hZHM"
CAR = "application/vnd.ipld.car"


class Ipfs(ThreadingHTTPServer):
    """`blocks` by CID, `pins` and `files` as CIDs. Told to, it does not give CARs (`gives_cars`), says another CID
    (`says`), pins nothing (`pin_error`), asks for `authorization`, or forgets where an upload was (`forgetful`)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.port = int(self.server_address[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.blocks: dags.Blocks = {}
        self.pins: list[str] = []
        self.files: list[dict[str, Any]] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        self.gives_cars, self.says, self.pin_error, self.authorization = True, "", "", ""
        self.elsewhere = ""  # where uploads are sent to, if not here
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is what is wanted here."""

    def take_car(self, data: bytes) -> str:
        """Keep its blocks, and return its root."""
        root, blocks = dags.read_car(data)
        dags.below(root, blocks)
        with self.lock:
            self.blocks |= blocks
        return self.says or dags.text_of(root)

    def named(self, text: str) -> bytes | None:
        return next((cid for cid in self.blocks if dags.text_of(cid) == text), None)


@contextlib.contextmanager
def serving() -> Iterator[Ipfs]:
    service = Ipfs()
    thread = threading.Thread(target=service.serve_forever, args=(0.05,))
    thread.start()
    yield service
    service.shutdown()
    thread.join()
    service.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else a body waits 40 ms for its headers to be acknowledged
    server: Ipfs

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        self.server.asked.append(f"{self.command} {self.path}")
        self.given = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.query = {key: values[0] for key, values in parse_qs(url.query).items()}
        try:
            if url.path.startswith("/api/v0/"):
                self._kubo(url.path.removeprefix("/api/v0/"))
            elif url.path.startswith("/v3/files"):
                self._pinata(url.path.removeprefix("/v3/files"))
            elif url.path.startswith("/ipfs/") and self.command == "GET":
                self._gateway(*unquote(url.path).removeprefix("/ipfs/").split("/"))
            else:
                self._answer(404, b"404 page not found", "text/plain")
        except ValueError as error:
            self._json(500, {"Message": str(error), "Code": 0, "Type": "error"})

    do_GET = do_PATCH = do_HEAD = do_POST

    def _kubo(self, command: str) -> None:
        if self.server.authorization and self.headers.get("Authorization") != self.server.authorization:
            return self._answer(403, b"403 - Forbidden", "text/plain")
        if self.command != "POST":
            return self._answer(405, b"405 - Method Not Allowed", "text/plain")
        cid = self.query.get("arg", "")
        if command == "dag/import":
            _, data = self._form()
            root = self.server.take_car(data)
            if not self.server.pin_error:
                self.server.pins.append(root)
            line = {"Root": {"Cid": {"/": root}, "PinErrorMsg": self.server.pin_error}}
            self._answer(200, json.dumps(line).encode() + b"\n", "application/json")
        elif command == "pin/ls" and cid in self.server.pins:
            self._json(200, {"Keys": {cid: {"Type": "recursive"}}})
        elif command == "pin/ls":
            self._json(500, {"Message": f"path '/ipfs/{cid}' is not pinned", "Code": 0, "Type": "error"})
        elif command == "dag/export":
            root_of = self.server.named(cid)
            if root_of is None:
                told = "block was not found locally (offline): ipld: could not find " + cid
                return self._json(500, {"Message": told, "Code": 0, "Type": "error"})
            self._chunked(dags.write_car(root_of, self._below(root_of)))
        else:
            self._answer(404, b"404 page not found", "text/plain")

    def _below(self, root: bytes) -> dags.Blocks:
        """As much as there is: kubo breaks off a stream that it cannot go on with."""
        try:
            return dags.below(root, self.server.blocks)
        except KeyError:
            return {cid: block for cid, block in self.server.blocks.items() if cid == root}

    def _pinata(self, path: str) -> None:
        if self.headers.get("Authorization") != f"Bearer {JWT}":
            return self._json(401, {"error": {"code": 401, "message": f"Not Authorized: {JWT[::-1]}"}})
        if self.command == "POST" and "Upload-Length" in self.headers:
            pairs = (pair.split() for pair in self.headers["Upload-Metadata"].split(","))
            about = {key: base64.b64decode(value).decode() for key, value in pairs}
            name = uuid.uuid4().hex
            self.server.uploads[name] = {"size": int(self.headers["Upload-Length"]), "about": about, "data": b""}
            return self._answer(
                201, b"", "", Location=f"{self.server.elsewhere}/v3/files/{name}", **{"Tus-Resumable": "1.0.0"}
            )
        if self.command == "POST":
            fields, data = self._form()
            return self._json(200, {"data": self._kept(fields, data)})
        if self.command == "GET":
            found = [file for file in self.server.files if file["cid"] == self.query.get("cid")]
            return self._json(200, {"data": {"files": found, "next_page_token": ""}})
        upload = self.server.uploads.get(path.strip("/"))
        if upload is None:
            return self._answer(404, b"", "")
        if self.command == "PATCH":
            if int(self.headers["Upload-Offset"]) != len(upload["data"]):
                return self._answer(409, b"", "")
            upload["data"] += self.given
            if len(upload["data"]) == upload["size"]:
                upload["cid"] = self._kept(upload["about"], upload["data"])["cid"]
        whole = {"Upload-Cid": upload["cid"]} if "cid" in upload else {}
        status = 204 if self.command == "PATCH" else 200
        offset = {"Upload-Offset": str(len(upload["data"])), "Tus-Resumable": "1.0.0"}
        self._answer(status, b"", "", **offset, **whole)

    def _kept(self, fields: dict[str, str], data: bytes) -> dict[str, Any]:
        if fields.get("network") != "public" or fields.get("car") != "true":
            raise ValueError(f"this service is for public CARs: {fields}")
        cid = self.server.take_car(data)
        known = any(file["cid"] == cid for file in self.server.files)
        file = {"id": uuid.uuid4().hex, "name": fields["name"], "cid": cid, "size": len(data), "is_duplicate": known}
        self.server.files.append(file)
        return file

    def _gateway(self, name: str, *path: str) -> None:
        if self.server.elsewhere:
            return self._answer(307, b"", "", Location=f"{self.server.elsewhere}{self.path}")
        cid = self.server.named(name)
        if cid is None:
            return self._answer(404, b"<html>not found</html>", "text/html")
        blocks = self.server.blocks
        for step in path:
            cid = dags.entries(cid, blocks)[step]
        if self.query.get("format") != "car":
            return self._answer(200, dags.content(cid, blocks), "application/octet-stream")
        if not self.server.gives_cars:
            return self._answer(406, b"CARs are not supported here", "text/plain")
        assert self.headers["Accept"].startswith(CAR)
        self._chunked(dags.write_car(cid, dags.below(cid, blocks)))

    def _form(self) -> tuple[dict[str, str], bytes]:
        """Fields, and the file, of multipart/form-data."""
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        form = email.message_from_bytes(head + self.given, policy=email.policy.HTTP)
        fields, data = {}, b""
        for part in form.iter_parts():  # type: ignore[attr-defined]
            name = part.get_param("name", header="content-disposition")
            value = part.get_payload(decode=True)
            if part.get_filename():
                data = value
            else:
                fields[name] = value.decode()
        return fields, data

    def _json(self, status: int, answer: Any) -> None:
        self._answer(status, json.dumps(answer).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str, **headers: str) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if kind:
            self.send_header("Content-Type", kind)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _chunked(self, body: bytes) -> None:
        self.send_response_only(200)
        self.send_header("Content-Type", f"{CAR}; version=1")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), 50_000):
            chunk = body[at : at + 50_000]
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")
