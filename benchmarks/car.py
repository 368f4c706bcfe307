"""How quick are CIDs and CAR files, beside `sha256sum` over the same files?

    python benchmarks/car.py [--megabytes 512] [--small 10000] [--times 5] [--memory 2048] [--folder DIR]

The files, of random bytes, are made in a new folder of DIR and read once before, so that all sides read from memory and
not from the disk; a CAR file that is packed goes to the same disk, and is synced to it. Each side runs in turn, `times`
times; told are medians. `sha256sum` is one process over all files, as a person would run it. So is `openssl dgst
-sha256`, where it is installed, which like Python's hashlib uses what the processor has for SHA-256; many builds of
`sha256sum` do not.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from minting.ipfs import DEFAULT_PROFILE, PROFILES, check_car, cid_of, write_car
from minting.ipfs.leaves import WORKERS

MB = 1_000_000
MIB = 1024 * 1024


def make(folder: Path, sizes: list[int]) -> int:
    folder.mkdir()
    for number, size in enumerate(sizes, start=1):
        with (folder / f"{number}.png").open("wb") as file:
            for begin in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - begin)))
    return sum(sizes)


def hashing(*command: str) -> Callable[[Path], None]:
    """A program over all files of a folder, in one process or a few where they are too many for one command line."""

    def run(folder: Path) -> None:
        names = sorted(str(file) for file in folder.iterdir())
        for begin in range(0, len(names), 5000):
            subprocess.run([*command, *names[begin : begin + 5000]], stdout=subprocess.DEVNULL, check=True)

    return run


def sides(car: Path) -> dict[str, Callable[[Path], object]]:
    profile = PROFILES[DEFAULT_PROFILE]
    openssl = {"openssl dgst -sha256": hashing("openssl", "dgst", "-sha256")} if shutil.which("openssl") else {}
    return {
        "sha256sum": hashing("sha256sum"),
        **openssl,
        f"CIDs, {WORKERS} threads": lambda folder: cid_of(folder, profile),
        "CIDs, one thread": lambda folder: cid_of(folder, profile, workers=0),
        f"CAR file, {WORKERS} threads": lambda folder: write_car(folder, car, profile),
        "CAR file, one thread": lambda folder: write_car(folder, car, profile, workers=0),
        "CAR file checked": lambda folder: check_car(car),
    }


def compare(what: str, folder: Path, size: int, car: Path, times: int) -> None:
    took: dict[str, list[float]] = {}
    for turn in range(times + 1):  # the first one warms up
        for name, run in sides(car).items():
            began = time.perf_counter()
            run(folder)
            if turn:
                took.setdefault(name, []).append(time.perf_counter() - began)
    print(f"\n{what}, {size / MB:.0f} MB\n")
    print(f"| {'':<24} | {'seconds':>8} | {'MB/s':>6} | of sha256sum's speed |")
    print(f"|{'-' * 26}|{'-' * 10}|{'-' * 8}|{'-' * 22}|")
    reference = statistics.median(took["sha256sum"])
    for name, seconds in took.items():
        median = statistics.median(seconds)
        print(f"| {name:<24} | {median:8.3f} | {size / MB / median:6.0f} | {reference / median:19.0%}  |")


def memory(folder: Path, megabytes: int, car: Path) -> None:
    """The most memory that packing one large file takes, in a process of its own."""
    size = make(folder, [megabytes * MIB])
    measured = (
        "import re, sys; from pathlib import Path; from minting.ipfs import *\n"
        "used = lambda: int(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1]) / 1024\n"
        "before = used(); write_car(Path(sys.argv[1]), Path(sys.argv[2]), PROFILES[DEFAULT_PROFILE])\n"
        "print(f'{before:.0f} {used():.0f}')"
    )
    command = [sys.executable, "-c", measured, str(folder), str(car)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()
    print(f"\nPacking a file of {size / MB:.0f} MB: {told[1]} MiB of memory at most, {told[0]} of them before it began")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--memory", type=int, default=2048)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"load before: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=asked.folder) as made:
        there = Path(made)
        count = max(1, asked.megabytes // 4)
        for name, sizes in (
            (f"{count} files of 1 to 7 MiB", [MIB + number % 7 * MIB for number in range(count)]),
            ("one file", [asked.megabytes * MIB]),
            (f"{asked.small} files of 2 KiB", [2048] * asked.small),
        ):
            folder = there / name.replace(" ", "-")
            compare(name, folder, make(folder, sizes), there / "release.car", asked.times)
            shutil.rmtree(folder)
        if asked.memory:
            memory(there / "large", asked.memory, there / "release.car")


if __name__ == "__main__":
    main()
