"""`toadworks new --contract` as a person uses it: real toads behind a real contract on a real node, and kill -9."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from PIL import Image

import toadworks
from errors import ToadworksError
from flows.settings import Settings
from minting.chain.node import Node
from minting.drop.contract import compiled
from tests.chains import Anvil, accounts
from tests.end_to_end.conftest import Run
from tests.minting.origins.strangers import Odd, Stranger, serving


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """The command, in a process of its own."""
    return request.getfixturevalue("toadworks")


KEY = "hushhushhush"


@pytest.fixture
def gateway() -> Iterator[Stranger]:
    with serving() as server:
        yield server


def toads_on(gateway: Stranger, toadz: Path, folder: Path, ids: list[str]) -> str:
    """The toads' images and metadata on IPFS; the CID of the latter, whose files have no ending."""
    images, metadata = folder / "images", folder / "metadata"
    images.mkdir(parents=True)
    metadata.mkdir()
    for id in ids:
        shutil.copy(next((toadz / "images").glob(f"{id}.*")), images)
    root = gateway.add_folder(images)
    for file in images.iterdir():
        about = json.loads((toadz / "metadata" / f"{file.stem}.json").read_text()) | {
            "image": f"ipfs://{root}/{file.name}"
        }
        (metadata / file.stem).write_text(json.dumps(about))
    return gateway.add_folder(metadata, "unixfs-v0-2015")


def drop_of(node: Node, owner: Any, base_uri: str, supply: int) -> str:
    """A Drop with all of its tokens minted."""
    about = compiled()
    terms = (
        "Toadz",
        "TOAD",
        supply,
        owner.address,
        b"\x01" * 32,
        base_uri,
        "",
        owner.address,
        0,
        [owner.address],
        [10_000],
    )
    made = node.web3.eth.contract(abi=about.abi, bytecode=about.bytecode)

    def send(call: Any) -> Any:
        nonce = node.web3.eth.get_transaction_count(owner.address)
        raw = owner.sign_transaction(call.build_transaction({"from": owner.address, "nonce": nonce})).raw_transaction
        receipt = node.web3.eth.wait_for_transaction_receipt(node.web3.eth.send_raw_transaction(raw))
        assert receipt["status"] == 1
        return receipt

    address = str(send(made.constructor(terms))["contractAddress"])
    send(node.web3.eth.contract(address, abi=about.abi).functions.teamMint(owner.address, supply))
    return address


@pytest.mark.slow
def test_drop_becomes_a_collection(tmp_path: Path, anvil: Anvil, gateway: Stranger, toadz: Path, run: Run) -> None:
    names = sorted((file.stem for file in (toadz / "images").glob("*.png") if len(file.stem) < 4), key=int)
    ids = [name for name in names if int(name) <= 12]
    address = drop_of(anvil.node(), accounts(1)[0], f"ipfs://{toads_on(gateway, toadz, tmp_path / 'ipfs', ids)}/", 12)
    rpc = anvil.url + "/?key=${TOAD_KEY}"
    command = ["new", "pond", "--contract", f"31337:{address}", "--rpc", rpc, "--gateway", gateway.url]
    missing = [id for id in map(str, range(1, 13)) if id not in ids]
    told = run(*command, "--licence", "CC0-1.0", "--per-second", "500", cwd=tmp_path, TOAD_KEY=KEY)
    assert f"{len(ids)} of 12 tokens are in pond/sources" in told.stdout, told.stderr
    assert told.returncode == (1 if missing else 0), told.stderr

    settings = Settings.read(tmp_path / "pond")
    assert settings["sources"]["licence"] == "CC0-1.0" and settings.network("chain-31337").rpc == rpc
    for id in ids:
        assert (settings.images / f"{id}.png").read_bytes() == (toadz / "images" / f"{id}.png").read_bytes()
    origin = json.loads((tmp_path / "pond" / "sources" / "origin.json").read_text())
    assert all(token["image_verified"] and token["metadata_verified"] for token in origin["tokens"])

    planned = run("plan", cwd=tmp_path / "pond")
    assert planned.returncode == 0 and f"{len(ids)}  sources" in planned.stdout, planned.stdout + planned.stderr
    again = run(*command, cwd=tmp_path, TOAD_KEY=KEY)
    assert "(0 came now)" in again.stdout and "is as it was" in again.stdout, again.stderr
    anvil.stop()
    away = run(*command, cwd=tmp_path, TOAD_KEY=KEY)
    assert away.returncode == 2 and "127.0.0.1 did not answer" in away.stderr
    assert not any(KEY in one.stdout + one.stderr for one in (told, again, away))
    assert not any(KEY.encode() in file.read_bytes() for file in (tmp_path / "pond").rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--contract", "1:0x12", "--rpc", "https://node.example"], ["0x12", "40 hexadecimal digits"]),
        (["--contract", "0x" + "1" * 40, "--rpc", "https://node.example"], ["CHAIN:ADDRESS"]),
        (["--contract", "1:0x" + "1" * 40], ["--rpc", "-c"]),
        (["--contract", "1:0x" + "1" * 40, "--rpc", "https://node.example/v2/hushhushhushhush"], ["${NAME}"]),
        (["--contract", "1:0x" + "1" * 40, "--rpc", "https://node.example/${HUSH}"], ["HUSH"]),
        (["--contract", "1:0x" + "1" * 40, "--sources", "."], ["--sources", "--contract"]),
        (["--sources", ".", "--ids", "1-5"], ["--ids", "--contract"]),
        ([], ["--sources", "--contract"]),
    ],
)
def test_bad_use_is_one_sentence_without_a_key(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    pond = tmp_path / "pond"
    with pytest.raises((ToadworksError, click.UsageError)) as caught:
        toadworks.cli.main(["new", str(pond), *arguments], standalone_mode=False)
    told = str(caught.value)
    assert all(word in told for word in words) and "hushhush" not in told and "\n" not in told
    assert not pond.exists()


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(
    tmp_path: Path, anvil: Anvil, gateway: Stranger, toadz: Path, run: Run, start: Callable[..., Any]
) -> None:
    """What is noted as taken is whole and never fetched again; in the end all is there, as if nothing had been."""
    ids = [file.stem for file in sorted((toadz / "images").glob("*.png"))[:100]]
    root = toads_on(gateway, toadz, tmp_path / "ipfs", ids)
    odd = Odd(anvil.node(), accounts(1)[0], listed=True)
    for id in ids:
        odd.do("mint", int(id), f"ipfs://{root}/{id}")
    pond, rng, hits = tmp_path / "pond", random.Random(1), Counter[str]()
    command = ["new", "pond", "--contract", f"31337:{odd.address}", "--rpc", anvil.url, "--gateway", gateway.url]
    command += ["--licence", "CC0-1.0", "--per-second", "60"]
    journal = pond / "sources" / "tokens.jsonl"
    for _ in range(6):
        before = journal.stat().st_size if journal.exists() else 0
        process = start(*command, cwd=tmp_path)
        deadline = time.monotonic() + 60
        while process.poll() is None and not (journal.exists() and journal.stat().st_size > before):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.3))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            hits["killed"] += 1
        process.wait()
        for file in (pond / "sources" / "images").iterdir():
            if not file.name.startswith("."):
                Image.open(file).load()
    assert hits["killed"] >= 4
    noted = {json.loads(line)["id"] for line in journal.read_bytes().split(b"\n")[:-1] if line.startswith(b"{")}
    asked = len(gateway.asked)
    told = run(*command, cwd=tmp_path)
    assert (
        told.returncode == 0 and f"100 of 100 tokens are in pond/sources ({100 - len(noted)} came now)" in told.stdout
    )
    assert len(gateway.asked) - asked <= 2 * (100 - len(noted)) + 2  # and the two folders
    for id in ids:
        assert (pond / "sources" / "images" / f"{id}.png").read_bytes() == (toadz / "images" / f"{id}.png").read_bytes()
    assert len(json.loads((pond / "sources" / "origin.json").read_text())["tokens"]) == 100
