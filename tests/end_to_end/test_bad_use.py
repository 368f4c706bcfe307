"""Bad use: one clear sentence, exit status 2, never a traceback; untidy input is named and the rest goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import zlib

import pytest
from PIL import Image


def one_sentence(told, *words: str) -> None:
    assert told.returncode == 2, told.stderr
    assert told.stderr.startswith("toadworks: ") and told.stderr.count("\n") == 1, told.stderr
    for word in words:
        assert word in told.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fly"], ["fly"]),
        (["new", "pond"], ["--sources"]),
        (["new", "pond", "--sources", "nowhere"], ["nowhere", "folder"]),
        (["plan"], ["collection.toml", "toadworks new"]),
        (["run", "--accept", "all"], ["all", "leaders"]),
        (["candidates", "--limit", "few"], ["few"]),
        (["accept"], ["ID"]),
        (["show", "no.png"], ["no.png"]),
        (["status", "-c", "nowhere"], ["nowhere"]),
    ],
)
def test_bad_use_is_one_sentence(tmp_path, toadworks, arguments, words):
    one_sentence(toadworks(*arguments, cwd=tmp_path), *words)


def test_empty_folder_has_no_images(tmp_path, toadworks):
    (tmp_path / "empty").mkdir()
    one_sentence(toadworks("new", "pond", "--sources", "empty", cwd=tmp_path), "empty", "no images")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("steps = 4", "steps = 0", ["model.steps", "1..1000"]),
        ("steps = 4", 'steps = "many"', ["model.steps", "whole number"]),
        ('name = "tadpole"', 'name = "frog"', ["model.name", "tadpole"]),
        ("insertion_steps = [2]", "insertion_steps = [9]", ["grid.insertion_steps", "0..4"]),
        ('styles = ["crayon", "neon"]', 'styles = ["crayno"]', ["grid.styles", "crayno", "crayon"]),
        ("[grid]", "[gird]", ["gird", "grid"]),
        ("seeds = [1]", "seeds = [1", ["TOML"]),
    ],
)
def test_bad_setting_names_file_key_and_allowed(tmp_path, toadworks, small_collection, old, new, words):
    file = small_collection(tmp_path, 1).file
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    one_sentence(toadworks("plan", cwd=file.parent), "collection.toml", *words)


def test_deciding_on_unknown_candidates_is_refused(tmp_path, toadworks, small_collection):
    folder = small_collection(tmp_path, 1).folder
    one_sentence(toadworks("accept", "abcd", cwd=folder), "abcd", "no candidate")
    one_sentence(toadworks("reject", "xyz!", cwd=folder), "hex")
    one_sentence(toadworks("export", cwd=folder), "nothing is accepted", "toadworks accept")


def bomb() -> bytes:
    """A PNG of 100 megapixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    side = (10_000).to_bytes(4, "big")
    rows = zlib.compress(bytes(10_000 * (1 + 10_000 // 8)), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", side + side + b"\x01\x00\x00\x00\x00")
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def test_untidy_input_is_named_and_the_rest_goes_on(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 4)
    images, metadata = tmp_path / "toads" / "images", tmp_path / "toads" / "metadata"
    (images / "10.png").write_bytes((images / "1.png").read_bytes()[:150])
    (images / "11.png").write_text("this is no picture")
    (images / "12.png").write_bytes(bomb())
    Image.open(images / "2.png").convert("RGB").save(images / "2.gif")
    (metadata / "3.json").write_text("{not json")
    told = toadworks("run", cwd=settings.folder)
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    for file, reason in {
        "10.png": "does not decode",
        "11.png": "does not decode",
        "12.png": "100 megapixels",
        "2.png": "same id '2'",
        "2.gif": "same id '2'",
        "3.json": "not JSON",
    }.items():
        assert [line for line in lines if line.strip().startswith(f"{file}: ") and reason in line], (file, told.stdout)
    assert "8 candidates made" in told.stdout, "the two good sources, two styles, two scales"
    assert "skipped 12.png" in toadworks("status", cwd=settings.folder).stdout


def test_nothing_left_fails(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 1)
    (tmp_path / "toads" / "images" / "1.png").write_text("no picture")
    told = toadworks("run", cwd=settings.folder)
    assert told.returncode != 0
    assert "no source could be taken" in told.stderr
    assert "Traceback" not in told.stderr


def test_same_picture_twice_is_one_source(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 2)
    images = tmp_path / "toads" / "images"
    (images / "9.png").write_bytes((images / "1.png").read_bytes())
    told = toadworks("run", cwd=settings.folder)
    assert "9.png: is the same picture as source '1'" in told.stdout
    assert "8 candidates made" in told.stdout
    assert json.loads((tmp_path / "toads" / "metadata" / "1.json").read_text())["name"] == "Sample toad #1"


def test_doctor_tells_what_is_there(tmp_path, toadworks, small_collection):
    settings = small_collection(tmp_path, 1)
    told = toadworks("doctor", cwd=settings.folder)
    assert told.returncode == 0, told.stdout
    for word in ("torch", "prefect", "model tadpole", "device", "sqlite", "all is well"):
        assert word in told.stdout
    settings.file.write_text("nonsense")
    told = toadworks("doctor", cwd=settings.folder)
    assert told.returncode == 1 and "BAD  collection" in told.stdout


def test_every_command_has_help(tmp_path, toadworks):
    from toadworks import cli

    assert {"new", "plan", "run", "status", "candidates", "accept", "reject", "export", "show", "doctor"} <= set(
        cli.commands
    )
    for name, command in cli.commands.items():
        assert command.help and len(command.help.splitlines()[0]) > 20, name
    assert "toadworks review" in toadworks("--help", cwd=tmp_path).stdout


def test_a_prefect_server_that_is_not_there_is_named(tmp_path, environment, small_collection):
    settings = small_collection(tmp_path, 1)
    own = environment | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}
    command = [sys.executable, "-m", "toadworks", "run"]
    told = subprocess.run(command, cwd=settings.folder, env=own, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert "127.0.0.1:9" in told.stderr and "unset PREFECT_API_URL" in told.stderr and "Traceback" not in told.stderr
