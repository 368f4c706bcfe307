"""The gas that the contract promises to stay under; benchmarks/gas.py prints all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks.gas import Row, drop_rows, plain_rows
from minting.chain.inside import inside_node
from tests.contracts.drops import Chain

PAGE = Path(__file__).parents[2] / "docs" / "contract.md"


@pytest.fixture(scope="module")
def new_chain() -> Chain:
    node, owners = inside_node(6, seed="gas")
    return Chain(node.web3, owners)


@pytest.fixture(scope="module")
def rows(new_chain: Chain) -> dict[str, Row]:
    return {row.step: row for row in drop_rows(new_chain)}


def told() -> dict[str, int]:
    """The page's table."""
    lines = re.findall(r"^\| ([^|]+) \| ([\d,]+) \| [\d,]* \|$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {step: int(gas.replace(",", "")) for step, gas in lines}


def test_claims_and_team_mints_stay_within_their_targets(rows: dict[str, Row]):
    bound = {name: row.target for name, row in rows.items() if row.target}
    assert bound == {
        "claim of 1": 88_500,
        "claim of 5": 96_500,
        "team: 20 to a fresh address": 119_999,
        "team: 20 to a holder": 99_999,
    }
    assert {name: rows[name].gas for name in bound if rows[name].gas > bound[name]} == {}
    assert max(row.gas for name, row in rows.items() if name.startswith("transfer")) < 145_000


def test_page_tells_the_gas_that_is_measured(rows: dict[str, Row]):
    for name, row in rows.items():
        assert told()[name] == pytest.approx(row.gas, abs=1000 if name == "deploy" else 150)


@pytest.mark.slow
def test_plain_contracts_that_it_is_held_against_cost_what_is_known_of_them(new_chain: Chain, compiler: None):
    gas = {row.step: row.gas for row in plain_rows(new_chain)}
    assert {name: told()[name] for name in gas} == pytest.approx(gas, abs=150)
    assert gas["BareERC721A: claim of 1"] == pytest.approx(84_211, rel=0.03)
    assert gas["BareERC721A: claim of 5"] == pytest.approx(91_967, rel=0.03)
    assert gas["PlainERC721: claim of 1"] == pytest.approx(106_483, rel=0.03)
    assert gas["PlainERC721: claim of 5"] == pytest.approx(206_571, rel=0.03)
