"""What is wrong with a file of a release, and what to do about it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

MOST_QUOTED = 60  # characters of what somebody else wrote
WEB_SCHEMES = ("https://", "http://", "ipfs://", "ar://")
# what people leave in a URI when they mean to come back to it
_PLACEHOLDER = re.compile(
    r"(?<![A-Za-z0-9])(?:(?i:your|my|some)[-_]?(?i:cid|hash|url|domain)|CID|TODO|(?i:change-?me))(?![A-Za-z0-9])|[<>{}\s]"
)
_EXAMPLE = re.compile(r"(?i)//([a-z0-9-]+\.)*example\.(com|org|net)(?![a-z0-9])")


@dataclass(frozen=True, order=True)
class Fault:
    """`file`: its path in the release; `problem`, `remedy`: half a sentence each."""

    file: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}; {self.remedy}"


Tell = Callable[[str, str], None]
"""`tell(problem, remedy)` of one file."""


def quoted(value: object) -> str:
    """Somebody else's value, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= MOST_QUOTED else f"{text[:MOST_QUOTED]}..."


def read_json(file: Path, tell: Tell) -> Any:
    """A JSON file as strict readers take it: UTF-8 without a byte order mark, no key twice, no NaN. None, and a fault,
    for one that is not."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"the key {quoted(twice)} is there twice")
        return found

    def never(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number in JSON")

    remedy = "export again, or mend the file"
    try:
        data = file.read_bytes()
        if data.startswith(b"\xef\xbb\xbf"):
            raise ValueError("it begins with a byte order mark")
        return json.loads(data.decode("utf-8"), object_pairs_hook=once, parse_constant=never)
    except OSError as error:
        tell(f"cannot be read ({error.strerror})", remedy)
    except (ValueError, RecursionError) as error:
        tell(f"is no JSON that every reader takes ({error})", remedy)
    return None


def check_uri(uri: object, what: str, tell: Tell, *, secure: bool = False) -> bool:
    """Is it a URI that the world can follow? `secure`: not by plain http, which pages on https refuse to show."""
    if not isinstance(uri, str) or not uri:
        tell(f"{what} is {quoted(uri)}, no text", "give it a URI such as ipfs://CID/1")
    elif uri.startswith("data:"):
        return True
    elif not uri.startswith(WEB_SCHEMES) or uri in WEB_SCHEMES:
        tell(f"{what} {quoted(uri)} leads nowhere outside of this disk", f"begin it with {', '.join(WEB_SCHEMES)}")
    elif _PLACEHOLDER.search(uri.split("://", 1)[1]) or _EXAMPLE.search(uri):
        tell(f"{what} {quoted(uri)} is still a placeholder", "put the real address in its place")
    elif secure and uri.startswith("http://"):
        tell(f"{what} {quoted(uri)} is not secure, and marketplaces do not show it", "use https:// or ipfs://")
    else:
        return True
    return False
