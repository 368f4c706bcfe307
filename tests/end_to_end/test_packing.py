"""CIDs and CAR files as a person asks for them: any file or folder, no collection needed."""

from __future__ import annotations

import random

import pytest

EMPTY_V1 = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"
HELLO = {
    "unixfs-v1-2025": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    "kubo --cid-version=1": "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e",
    "unixfs-v0-2015": "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Holds `release`, which no test changes."""
    folder, dice = tmp_path_factory.mktemp("packing"), random.Random(1)
    for name in ("images", "metadata"):
        (folder / "release" / name).mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / f"release/images/{number}.png").write_bytes(dice.randbytes(700_000 * number))
        (folder / f"release/metadata/{number}").write_text(f'{{"name":"Toad #{number}"}}')
    return folder


@pytest.fixture(scope="module")
def car(folder, toadworks):
    """`release`, packed."""
    told(toadworks("car", "release", "-o", "release.car", cwd=folder))
    return folder / "release.car"


def told(done) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("profile", HELLO)
def test_cid_of_a_file_is_printed(tmp_path, toadworks, profile):
    (tmp_path / "hello").write_bytes(b"hello world")
    assert told(toadworks("cid", "hello", "--profile", profile, cwd=tmp_path)) == HELLO[profile]


def test_cids_of_all_files_are_printed(folder, toadworks):
    lines = told(toadworks("cid", "release", "--files", cwd=folder)).split("\n")
    by_path = {path: cid for cid, path in (line.split("  ", 1) for line in lines)}
    files = [
        f"{part}/{number}{ending}" for part, ending in (("images", ".png"), ("metadata", "")) for number in (1, 2, 3)
    ]
    assert list(by_path) == sorted([".", "images", "metadata", *files])
    assert by_path["images"] == told(toadworks("cid", "release/images", cwd=folder))


def test_release_is_packed_checked_and_unpacked(folder, car, toadworks):
    cid = told(toadworks("cid", "release", cwd=folder))
    assert told(toadworks("unpack", "--check", car, "--root", cid, cwd=folder)) == cid
    assert told(toadworks("unpack", car, "again", cwd=folder)) == cid
    assert told(toadworks("cid", "again", cwd=folder)) == cid
    assert sorted(path.name for path in folder.iterdir()) == ["again", "release", "release.car"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cid", "nowhere"], ["nowhere", "No such file"]),
        (["cid", "release", "--profile", "unixfs"], ["unixfs", "unixfs-v1-2025", "unixfs-v0-2015"]),
        (["car", "release"], ["--output"]),
        (["car", "release", "-o", "release/release.car"], ["release/release.car", "outside of release"]),
        (["unpack", "release/images/1.png", "out"], ["1.png", "at byte 0"]),
        (["unpack", "release.car"], ["--check", "TO"]),
        (["unpack", "release.car", "out", "--check"], ["--check", "TO"]),
        (["unpack", "release.car", "out", "--root", EMPTY_V1], [EMPTY_V1, "its root is"]),
        (["unpack", "release.car", "out", "--root", "Qm"], ["'Qm'", "bafy"]),
        (["unpack", "release.car", "release"], ["release", "empty"]),
    ],
)
def test_bad_use_is_one_sentence(folder, car, toadworks, arguments, words):
    done = toadworks(*arguments, cwd=folder)
    assert done.returncode == 2, done.stderr
    assert done.stderr.startswith("toadworks: ") and done.stderr.count("\n") == 1
    assert all(word in done.stderr for word in words), done.stderr
    assert not (folder / "out").exists()


def test_damaged_car_file_is_told_with_its_place(tmp_path, car, toadworks):
    damaged = bytearray(car.read_bytes())
    damaged[100_000] ^= 1
    (tmp_path / "bad.car").write_bytes(damaged)
    done = toadworks("unpack", "--check", "bad.car", cwd=tmp_path)
    assert done.returncode == 2
    assert "bad.car: at byte 59: the block bafk" in done.stderr and "is damaged" in done.stderr
