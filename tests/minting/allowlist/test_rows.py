"""Lists of wallets: what is taken, and what is wrong with them, all at once."""

from __future__ import annotations

import hashlib
import json

import pytest

from errors import BadRows, BadSource, BadValue
from minting.allowlist.rows import read_lists
from minting.chain.addresses import checked_address
from minting.chain.coins import coins_of, wei_of

ADA, BOB, EVE = (f"0x{letter * 40}" for letter in "abe")
CHECKED = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def written(tmp_path, text, name="list.csv"):
    file = tmp_path / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def rows_in(tmp_path, text):
    (source,) = read_lists([written(tmp_path, text)])
    return [(row.address.lower(), row.tokens, row.limit, row.price) for row in source.rows]


@pytest.mark.parametrize(
    "text",
    [
        f"{ADA}\n{BOB},3\n{EVE},3,0.05\n",
        f"address,limit,price\n{ADA},,\n{BOB},3,\n{EVE},3,0.05",
        f"\ufeffPrice;Address;Limit\r\n;{ADA};\r\n\r\n;{BOB};3\r\n0.050;{EVE};3\r\n",
        f"{ADA}\t\t\n{BOB}\t3\t\n {EVE} \t 3 \t 0.05\n",
    ],
)
def test_lists_are_read_in_the_ways_that_people_write_them(tmp_path, text):
    assert rows_in(tmp_path, text) == [
        (ADA, None, None, None),
        (BOB, None, 3, None),
        (EVE, None, 3, 5 * 10**16),
    ]


def test_capitals_are_a_checksum_or_say_nothing():
    digits = CHECKED[2:]
    for good in (CHECKED, "0x" + digits.lower(), "0x" + digits.upper(), "0X" + digits.upper()):
        assert checked_address(good) == CHECKED
    with pytest.raises(BadValue, match="EIP-55"):
        checked_address(CHECKED.replace("F", "f", 1))


def test_all_that_is_wrong_is_told_at_once_with_file_and_line(tmp_path):
    wrong = CHECKED.replace("F", "f", 1)
    first = written(
        tmp_path,
        f"{ADA}\n{wrong}\nvitalik.eth\n0x{'0' * 40}\n{BOB},0\n{EVE},1,0.1,x\n\n0x{ADA[2:].upper()}\n{CHECKED},1,1e3\n",
    )
    second = written(tmp_path, f"address,price\n{ADA},-1\n{ADA[:-1]},1\n{BOB},0.0000000000000000001\n", "other.csv")
    with pytest.raises(BadRows) as caught:
        read_lists([first, second])
    told = caught.value.problems
    assert [one.split(": ")[0].rsplit("/", 1)[1] + " " + one.split(": ")[1] for one in told] == [
        *(f"list.csv line {line}" for line in (2, 3, 4, 5, 6, 8, 9)),
        *(f"other.csv line {line}" for line in (2, 3, 4)),
    ]
    for one, words in zip(told, ["EIP-55", "name", "zero", "limit '0'", "3 cells", "line 1, too", "1e3"], strict=False):
        assert words in one


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfe0\x00x\x00", "UTF-8"),
        (b"\n\n", "names no wallet"),
        (f"address,limits\n{ADA},1\n".encode(), "a column 'limits'; allowed: address, limit, price"),
        (f"address,limit,limit\n{ADA},1,1\n".encode(), "a column twice"),
        (f'"{ADA}\n'.encode(), "is not CSV"),
    ],
)
def test_what_is_no_list_is_refused(tmp_path, content, told):
    with pytest.raises(BadSource, match=told):
        read_lists([written(tmp_path, content)])
    with pytest.raises(BadSource, match="cannot be read"):
        read_lists([tmp_path / "nowhere.csv"])


def test_a_snapshot_names_its_block_and_has_to_be_whole(tmp_path):
    file = written(tmp_path, f"address,tokens,token_ids\n{ADA},2,1 5\n")
    about = {"chain_id": 1, "contract": CHECKED, "block": 7, "hash": "0x" + "12" * 32}
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    beside = written(tmp_path, json.dumps({**about, "sha256": digest, "network": "main"}), "list.json")
    (source,) = read_lists([file])
    assert source.snapshot == about and source.sha256 == digest and source.rows[0].tokens == 2
    written(tmp_path, f"address,tokens,token_ids\n{ADA},3,1 5\n")
    with pytest.raises(BadSource, match="it was changed"):
        read_lists([file])
    beside.write_text("[]")
    with pytest.raises(BadSource, match=r"list\.json"):
        read_lists([file])
    beside.unlink()
    assert read_lists([file])[0].snapshot is None


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("0", 0),
        ("0.05", 5 * 10**16),
        ("0.000000000000000001", 1),
        ("123456.789", 123456789 * 10**15),
        ("79228162514.264337593543950335", 2**96 - 1),
    ],
)
def test_prices_are_exact(text, wei):
    assert wei_of(text) == wei
    assert wei_of(coins_of(wei)) == wei and len(coins_of(wei)) <= len(text)


@pytest.mark.parametrize(
    "text", ["", ".5", "1.", "1e2", "-1", "1,5", "0.0000000000000000001", "79228162515", "٣", "nan"]
)
def test_what_is_no_price_is_refused(text):
    with pytest.raises(BadValue, match="decimal number of coins"):
        wei_of(text)
