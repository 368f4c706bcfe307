"""Curators at work on one collection, as they type it: what each command prints, and what it refuses. The tests go on
from each other."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from collection_db import AssetFolder, Table
from flows.settings import Settings
from toadworks import main

Told = subprocess.CompletedProcess[str]
Say = Callable[..., Told]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, toadworks: Say, small_collection) -> Settings:
    """A collection of one toad that was run: two styles, two scales."""
    made: Settings = small_collection(tmp_path_factory.mktemp("home"), 1)
    told = toadworks("run", cwd=made.folder)
    assert told.returncode == 0, told.stderr
    return made


@pytest.fixture(scope="module")
def ids(settings: Settings) -> list[str]:
    table = Table.open(settings.database_url)
    found = list(table.frame()["id"])
    table.close()
    assert len(found) == 4
    return found


@pytest.fixture
def say(
    settings: Settings, toadworks: Say, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Say]:
    """say("accept", id, status=0): the command's output and errors, after its exit status was looked at. It runs in
    this process, since most of a process's time is spent on imports; flows have one of their own."""
    monkeypatch.chdir(settings.folder)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    handler = signal.getsignal(signal.SIGINT)

    def typed(*arguments: object, status: int = 0) -> Told:
        if arguments[0] == "export":
            told: Told = toadworks(*arguments, cwd=settings.folder)
        else:
            monkeypatch.setattr("sys.argv", ["toadworks", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
            code = ended.value.code or 0
            assert isinstance(code, int)
            told = subprocess.CompletedProcess(sys.argv, code, *capsys.readouterr())
        assert told.returncode == status, told.stdout + told.stderr
        assert "Traceback" not in told.stderr
        return told

    yield typed
    signal.signal(signal.SIGINT, handler)


def last(told: Told) -> str:
    """The only line on standard error."""
    [line] = told.stderr.strip().splitlines()
    return line


def test_marks_are_put_and_found_again(say: Say, ids: list[str]) -> None:
    first, second = (id[:8] for id in ids[:2])
    assert say("star", first, second, "--curator", "ada").stdout == "star: 2\n"
    assert say("star", first, "--curator", "ada").stdout == "star: 0, 1 stood so before\n"
    assert say("star", "--undo", second, "--curator", "ada").stdout == "unstar: 1\n"
    assert say("tag", "best of all", first, ids[2], "--curator", "ada").stdout == "tag: 2\n"
    assert say("note", "look at the eyes", first, "--curator", "ada").stdout == "note: 1\n"
    assert say("rename", first, "Bo", "--curator", "ada").stdout == "rename: 1\n"
    tagged = say("candidates", "--tag", "best of all").stdout
    assert ids[0][:10] in tagged and ids[2][:10] in tagged and "* best of all" in tagged and ids[1][:10] not in tagged
    starred = say("candidates", "--starred").stdout
    assert ids[0][:10] in starred and len(starred.splitlines()) == 2
    assert last(say("candidates", "--tag", "worst", status=2)).endswith("cannot be used; allowed: best of all")


def test_curators_disagree_and_settle(say: Say, ids: list[str]) -> None:
    id = ids[0][:8]
    assert say("accept", id, "--curator", "ada").stdout == "accepted 1; now 1 accepted, 3 undecided\n"
    told = say("reject", id, "--curator", "bob", "--note", "too dark")
    assert told.stdout == "rejected 1; now 0 accepted, 3 undecided\n"
    assert f"note: others see {id} otherwise; --settle ends that, `toadworks history {id}` tells" in told.stderr
    disagreed = say("candidates", "--disagreed").stdout
    assert f"{ids[0][:10]}  ada accept, bob reject" in disagreed and "disagreed" in disagreed
    told = say("accept", id, "--curator", "cat", "--settle", "--note", "the two of us")
    assert told.stdout == "accepted 1; now 1 accepted, 3 undecided\n" and "otherwise" not in told.stderr
    assert say("candidates", "--disagreed").stdout.startswith("no such candidates")


def test_history_tells_all_and_undo_takes_back(say: Say, ids: list[str]) -> None:
    id = ids[0][:8]
    told = say("history", id).stdout
    assert told.startswith(f"candidate {ids[0]}\n")
    assert "stands    accept by cat; 1 star; tags best of all; name 'Bo'" in told
    assert "entry 9, bob: reject: too dark" in told and "entry 10, cat: accept, to settle it: the two of us" in told
    assert say("undo", "--curator", "cat").stdout == f"took back entry 10: cat's accept of {id}\n"
    assert "(taken back)" in say("history", id).stdout
    assert say("undo", "--entry", 11, "--curator", "cat").stdout == f"took back entry 11: cat's undo of {id}\n"
    assert last(say("undo", "--curator", "dee", status=2)) == (
        "toadworks: there is nothing that dee said and that stands"
    )
    assert "entry 99: there is no such entry" in last(say("undo", "--entry", 99, status=2))
    assert "entry 11: was taken back already, by entry 12" in last(say("undo", "--entry", 11, status=2))


def test_bad_ids_and_texts_are_refused(say: Say, ids: list[str]) -> None:
    assert last(say("history", "zzzz", status=2)) == (
        "toadworks: candidate 'zzzz': an id is made of hex digits (0-9, a-f)"
    )
    assert "give at least 4 digits" in last(say("star", ids[0][:3], status=2))
    assert "no candidate's id begins so" in last(say("tag", "warm", ids[1], "0123456789abcdef", status=2))
    assert "64 characters at most" in last(say("tag", "x" * 65, ids[1], status=2))
    assert say("candidates", "--limit", 0).stdout.count("warm") == 0


def test_edited_file_comes_in(say: Say, settings: Settings, ids: list[str]) -> None:
    assert say("candidates", "--csv", "all.csv").stdout == "wrote 4 candidates to all.csv\n"
    file = settings.folder / "all.csv"
    frame = pd.read_csv(file, dtype=str, keep_default_na=False).set_index("id", drop=False)
    frame.loc[ids[1], ["verdict", "note"]] = ["perhaps", "hm"]
    frame.to_csv(file, index=False)
    refused = say("import", "all.csv", "--curator", "eve", status=2).stderr
    assert "all.csv: 1 rows cannot be taken, so none was:\n  line 3 (" in refused and "'perhaps'" in refused
    frame.loc[ids[1:], "verdict"] = "reject"
    frame.to_csv(file, index=False)
    # three verdicts, one of them with the note
    assert say("import", "all.csv", "--curator", "eve").stdout == "3 new entries; now 1 accepted, 0 undecided\n"
    say("accept", ids[1], "--curator", "eve")
    assert say("import", "all.csv", "--curator", "eve", status=2).stderr.count("since the file was written") == 1
    assert "1 new entries" in say("import", "all.csv", "--curator", "eve", "--anyway").stdout


def test_gc_frees_only_when_told_to(say: Say, settings: Settings, ids: list[str]) -> None:
    told = say("gc", status=2)
    assert told.stdout.startswith("3 rejected candidates have images, 0.0 MB\n")
    assert last(told) == "toadworks: nobody is there to be asked whether to remove them; --yes does it unasked"
    before = len(list(AssetFolder(settings.assets).stored()))
    assert say("gc", "--yes").stdout.endswith("removed 3 files\n")
    assert len(list(AssetFolder(settings.assets).stored())) == before - 3
    assert say("gc").stdout == "0 rejected candidates have images, 0.0 MB\n"
    assert say("check").stdout.splitlines() == [
        "       2  assets read",
        "       0  faults in the table",
        "       0  assets missing",
        "       0  assets damaged",
        "       0  files that nothing names",
        "       0  files left unfinished by writers that are gone",
        "all is well",
    ]


def test_check_repairs_what_is_lost(say: Say, settings: Settings, ids: list[str]) -> None:
    say("accept", ids[1], "--curator", "eve")
    say("tag", "look-alike-ok", ids[1], "--curator", "eve")
    told = say("check", "--quick", status=1)
    assert "       1  assets missing" in told.stdout
    assert last(told) == ("toadworks: something is wrong (above); `toadworks check --repair` mends what can be mended")
    told = say("check", "--repair")
    assert told.stdout.splitlines()[-2:] == [
        "mended: 0 rows, 1 assets as they were, 0 candidates made anew",
        "removed: 0 files that nothing names",
    ]
    assert "2 tokens" in say("export").stdout
    token = say("history", ids[0]).stdout.splitlines()[-1]
    assert token.endswith("UTC  token 1 in the release, 'Bo'")


def test_what_cannot_be_mended_is_told(say: Say, settings: Settings, ids: list[str]) -> None:
    table = Table.open(settings.database_url)
    [row] = table.candidates(ids[:1])
    with table.engine.begin() as connection:
        for name in ("recipes", "candidates"):
            connection.exec_driver_sql(f"UPDATE {name} SET style = 'renamed' WHERE id = '{ids[0]}'")
    table.close()
    AssetFolder(settings.assets).path(row.image_sha256).unlink()
    told = say("check", "--repair", status=1)
    assert "mended: 0 rows, 0 assets as they were, 0 candidates made anew" in told.stdout
    assert f"not mended: candidate {ids[0][:12]} is a token, and made again it is not the same" in told.stderr
    assert told.stderr.endswith("toadworks: 1 things could not be mended (above)\n")
    assert not Path(AssetFolder(settings.assets).path(row.image_sha256)).exists()


def test_worker_with_nothing_to_do_says_so(say: Say) -> None:
    assert say("work").stdout == "0 candidates made here\n"
