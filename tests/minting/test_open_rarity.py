"""The same collections given to the open-rarity package, in an environment of its own: it pins an old pydantic."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from minting.rarity import rarity_table
from tests.conftest import missing

PACKAGE = "open-rarity==0.7.5"
INSTALL_S = 300
pytestmark = pytest.mark.slow

# Reads lists of tokens' attributes; writes for each list scores and ranks in the order of the tokens, and what the
# package's own check says of it: it refuses numbers and dates, which its scorer leaves out.
ORACLE = """
import json, sys
from open_rarity import RarityRanker
from open_rarity.models.collection import Collection
from open_rarity.models.token import Token
from open_rarity.models.token_identifier import EVMContractTokenIdentifier
from open_rarity.models.token_metadata import DateAttribute, NumericAttribute, StringAttribute, TokenMetadata
from open_rarity.models.token_standard import TokenStandard
from open_rarity.scoring.scorer import Scorer


class Unchecked(Scorer):
    def validate_collection(self, collection):
        pass


def token(number, attributes):
    texts, numbers, dates = {}, {}, {}
    for attribute in attributes:
        name, value, kind = attribute["trait_type"], attribute["value"], attribute.get("display_type")
        if kind == "date":
            dates[name] = DateAttribute(name, value)
        elif kind is None and isinstance(value, str):
            texts[name] = StringAttribute(name, value)
        else:
            numbers[name] = NumericAttribute(name, value)
    return Token(EVMContractTokenIdentifier("0x0", number), TokenStandard.ERC721, TokenMetadata(texts, numbers, dates))


answers = []
for given in json.load(sys.stdin):
    collection = Collection([token(number, attributes) for number, attributes in enumerate(given)])
    try:
        Scorer().validate_collection(collection)
        refused = False
    except ValueError:
        refused = True
    ranked = RarityRanker.rank_collection(collection, Unchecked())
    ranked.sort(key=lambda one: one.token.token_identifier.token_id)
    answers.append({
        "refused": refused,
        "scores": [float(one.score) for one in ranked],
        "ranks": [one.rank for one in ranked],
        "unique": [one.token_features.unique_attribute_count for one in ranked],
    })
json.dump(answers, sys.stdout)
"""


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter of an environment that has the package; made once and kept among the temporary files."""
    version = ".".join(map(str, sys.version_info[:3]))
    folder = Path(tempfile.gettempdir()) / f"toadworks-{PACKAGE.replace('==', '-')}-python-{version}"
    interpreter, ready = folder / "bin" / "python", folder / "ready"
    with FileLock(f"{folder}.lock", timeout=2 * INSTALL_S):
        if not ready.exists():
            quiet = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PACKAGE]
            for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [str(interpreter), *quiet]):
                try:
                    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALL_S)
                    told = done.stderr.strip().splitlines()[-1:] if done.returncode else []
                except (OSError, subprocess.TimeoutExpired) as error:
                    told = [str(error)]
                if told:
                    missing(f"no {PACKAGE}: {told[0]}")
            ready.touch()
    return interpreter


def asked(python: Path, collections: list[list[list[dict[str, Any]]]]) -> list[dict[str, Any]]:
    done = subprocess.run(
        [python, "-c", ORACLE], input=json.dumps(collections), capture_output=True, text=True, timeout=300, check=True
    )
    return json.loads(done.stdout)


def trait(name: str, value: object, display_type: str | None = None) -> dict[str, Any]:
    return {"trait_type": name, "value": value} | ({"display_type": display_type} if display_type else {})


def random_collection(seed: int) -> list[list[dict[str, Any]]]:
    """Up to 80 tokens: names and values in changing case and with blanks, traits that are missing or there twice,
    tokens that are there twice, sometimes a trait count of its own."""
    rng = random.Random(seed)
    names = ["Hat", "Body", "Eyes", "Straße", "", "Ὀδυσσεύς", "İ"][: rng.randint(1, 7)]
    names += ["Meta_Trait:Trait_Count"] * (rng.random() < 0.2)
    values = ["cap", "crown", "none", "", " ", "Null", "ẞ", "ß", "1", "green toad", "x", "y", "z"][: rng.randint(1, 13)]

    def written(text: str) -> str:
        text = rng.choice([str, str.lower, str.upper, str.title])(text)
        return rng.choice(["", "", " ", "\t", "\u00a0"]) + text + rng.choice(["", "", " ", "\n"])

    tokens: list[list[dict[str, Any]]] = []
    for _ in range(rng.randint(1, 80)):
        if tokens and rng.random() < 0.2:
            tokens.append([dict(one) for one in rng.choice(tokens)])
            continue
        kept = [name for name in names if rng.random() < 0.8] + rng.choices(names, k=rng.random() < 0.1)
        tokens.append([trait(written(name), written(rng.choice(values))) for name in kept])
    return tokens


def with_numbers(seed: int) -> list[list[dict[str, Any]]]:
    """The same with numbers and dates, some called as a text is."""
    rng = random.Random(-seed)
    tokens = random_collection(seed)
    for attributes in tokens:
        for name in ("Level", "hat ", "Born"):
            if rng.random() < 0.6:
                kind = rng.choice(["number", "boost_number", "boost_percentage", "date", None])
                attributes.append(trait(name, rng.randint(0, 4), kind))
    return tokens


PLAIN = {
    "one token": [[trait("Hat", "cap")]],
    "one token without traits": [[]],
    "all alike": [[trait("Hat", "cap"), trait("Body", "green")]] * 7,
    "none has a trait": [[]] * 4,
    "one trait": [[trait("Hat", value)] for value in "aabbbc"],
    "all different": [[trait("Hat", str(n)), trait("Body", str(n))] for n in range(9)],
    "equal scores, other counts of unique values": [[trait("A", "x"), trait("B", "y")], [trait("A", "z")], []],
    "two thousand": [
        [trait(name, str(n % m)) for name, m in zip("abcd", (3, 7, 50, 400), strict=True)] for n in range(2000)
    ],
}


def compare(collection: list[list[dict[str, Any]]], answer: dict[str, Any]) -> None:
    table = rarity_table([{"name": "T", "attributes": attributes} for attributes in collection])
    assert [row.score for row in table.rows] == pytest.approx(answer["scores"], rel=1e-9, abs=1e-9)
    assert [row.rank for row in table.rows] == answer["ranks"]
    assert [row.unique for row in table.rows] == answer["unique"]


def test_plain_collections_are_scored_and_ranked_alike(python: Path) -> None:
    for collection, answer in zip(PLAIN.values(), asked(python, list(PLAIN.values())), strict=True):
        compare(collection, answer)
        assert not answer["refused"]


def test_random_collections_are_scored_and_ranked_alike(python: Path) -> None:
    collections = [random_collection(seed) for seed in range(300)]
    answers = asked(python, collections)
    for collection, answer in zip(collections, answers, strict=True):
        compare(collection, answer)
    tied = sum(len(set(answer["ranks"])) < len(answer["ranks"]) for answer in answers)
    assert 100 < tied < 300 and not any(answer["refused"] for answer in answers)


def test_numbers_and_dates_are_left_out_alike(python: Path) -> None:
    collections = [with_numbers(seed) for seed in range(100)]
    answers = asked(python, collections)
    for collection, answer in zip(collections, answers, strict=True):
        compare(collection, answer)
    assert sum(answer["refused"] for answer in answers) > 90  # the package itself would not rank them
