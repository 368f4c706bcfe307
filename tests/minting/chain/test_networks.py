"""[networks.NAME] of a collection.toml, and the nodes behind it."""

from __future__ import annotations

import sys

import pytest

from errors import BadSetting, NodeFailed, NodeRefused
from minting.chain.inside import inside_node
from minting.chain.networks import read_network
from minting.chain.node import Node
from tests.chains import free_port

SECRET = "abcdefghijk"
GOOD = {"chain_id": 137, "rpc": f"https://node.example/v2/{SECRET}"}


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("poly gon", {}, "is no network's name"),
        ("polygon", {"chain_id": None}, "chain_id: is missing"),
        ("polygon", {"chain_id": 0}, "chain_id: is no chain's id"),
        ("polygon", {"chain_id": True}, "chain_id: is not a whole number"),
        ("polygon", {"rpc": SECRET}, "rpc: is no address of a node"),
        ("polygon", {"rpc": f"ftp://{SECRET}"}, "rpc: is no address of a node"),
        ("polygon", {"rpc_key": SECRET}, "rpc_key: is not a key of a network"),
        ("polygon", {"confirmations": -1}, "confirmations: -1"),
        ("polygon", {"confirmations": "3"}, "confirmations: is not a whole number"),
        ("polygon", {"coin_price": -0.5}, "coin_price: -0.5"),
        ("polygon", {"max_gas": 20_999}, "max_gas: 20999"),
    ],
)
def test_what_cannot_be_is_refused_and_no_key_is_shown(name, change, told):
    given = {key: value for key, value in {**GOOD, **change}.items() if value is not None}
    with pytest.raises(BadSetting, match=told) as caught:
        read_network(name, given, "collection.toml")
    assert SECRET not in str(caught.value)


def test_a_key_may_come_from_the_environment_and_is_never_shown(monkeypatch):
    network = read_network("polygon", {"chain_id": 137, "rpc": "https://node.example/${NODE_KEY}"}, "collection.toml")
    with pytest.raises(BadSetting, match="NODE_KEY"):
        network.url()
    monkeypatch.setenv("NODE_KEY", SECRET)
    assert network.url() == f"https://node.example/{SECRET}"
    assert network.host == "node.example" and SECRET not in repr(network)


def test_money_is_told_in_coins_and_where_known_in_money():
    network = read_network("polygon", {**GOOD, "coin": "POL", "coin_price": 2}, "collection.toml")
    assert network.money(15 * 10**17) == "1.500000 POL (3.00)"


def test_a_node_that_is_away_is_told_without_its_address(monkeypatch):
    monkeypatch.setattr("minting.chain.node.PAUSE", 0.001)
    rpc = f"http://127.0.0.1:{free_port()}/{SECRET}"
    with pytest.raises(NodeFailed, match=r"127\.0\.0\.1 did not answer its chain id") as caught:
        Node.open(read_network("here", {"chain_id": 1, "rpc": rpc}, "collection.toml"))
    assert SECRET not in str(caught.value)


def test_a_node_of_another_chain_is_refused(anvil):
    with pytest.raises(NodeFailed, match="is of chain 31337, not 1"):
        Node.open(read_network("main", {"chain_id": 1, "rpc": anvil.url}, "collection.toml"))


def test_what_a_node_refuses_is_told_in_its_words(anvil):
    node = anvil.node()
    with pytest.raises(NodeRefused, match="the node refused a transaction: ") as caught, node.asking("a transaction"):
        node.web3.eth.send_raw_transaction(b"\x02" + bytes(20))
    assert caught.value.code


def test_a_chain_inside_needs_nothing_and_leaves_python_as_it_was():
    node, owners = inside_node(2)
    assert node.web3.eth.get_balance(owners[1].address) == 10**24
    assert node.web3.eth.block_number == 0
    assert sys.getrecursionlimit() == 1000
