"""Toadworks as a person uses it: commands in processes of their own, in a folder of theirs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.new import paint_sources, write_collection
from flows.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]
PAINTED = 7  # the seed of the painted sources


def _small_collection(folder: Path, sources: int, **settings: object) -> Settings:
    """A quick collection: painted toads, a few steps of the shipped model. `settings`: keys of collection.toml with
    other values than `toadworks new` writes."""
    images = paint_sources(folder / "toads", sources, PAINTED)
    made = write_collection(folder / "pond", images, styles=["crayon", "neon"], insertion_steps=[2])
    lines = made.file.read_text().splitlines()
    for key, value in {"steps": 4, "batch": 4, "image_size": 128, **settings}.items():
        section, _, name = key.rpartition("__")  # storage__endpoint_url, where another section has that key, too
        begin = next((at for at, line in enumerate(lines) if line.startswith(f"[{section}]")), 0)
        found = [at for at, line in enumerate(lines) if at >= begin and line.startswith(f"{name} = ")]
        assert len(found) == 1 or (found and section), key
        lines[found[0]] = f"{name} = {value}"
    made.file.write_text("\n".join(lines))
    return Settings.read(made.file)


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The caller's environment, with a Prefect home of its own."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "TOADWORKS_"))}
    return own | {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")), "COLUMNS": "120"}


@pytest.fixture(scope="session")
def toadworks(environment: dict[str, str]) -> Run:
    """`toadworks("plan", cwd=folder)` runs the command and returns what it printed. Further names go into its
    environment."""

    def run(*arguments: object, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "toadworks", *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=environment | more, capture_output=True, text=True, timeout=600, check=False
        )

    return run


@pytest.fixture
def start(environment: dict[str, str]) -> Callable[..., subprocess.Popen[str]]:
    """`start("run", cwd=folder)` starts the command and returns the process; it is killed if the test leaves it."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, cwd: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "toadworks", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started.append(subprocess.Popen(command, cwd=cwd, env=environment, text=True, start_new_session=True, **pipes))
        return started[-1]

    yield begin  # type: ignore[misc]
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def small_collection() -> Callable[..., Settings]:
    """`small_collection(folder, sources, steps=10)` writes a quick collection; see `_small_collection`."""
    return _small_collection
