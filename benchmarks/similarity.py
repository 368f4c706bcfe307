"""How long do look-alikes take? Hashing beside decoding, all alike pairs beside brute force and beside the library
imagededup where it is installed, a batch beside a million.

    OMP_NUM_THREADS=2 python benchmarks/similarity.py [--images 1000000] [--toads 100] [--repeats 3]

Everything is synthetic: painted toads in the sixteen looks, rendered, are the small set. The large one is made from
their fingerprints. A new source in a style is a blend of two toads in that style: each bit from one of them, colours
and greys in between, and all of them moved by about 2 (greys by 5). Of every new source there are 16 candidates: bits
flipped (up to a fifth of them), all colours moved by about 1 (greys by 2), and each cell's by up to 2 (greys by 12). In
a quarter of the sources the candidates differ a tenth as much (greys by that or up to the whole), so that most of those
are alike in shape and colour, and half of them in greys as well.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import logging
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import imagehash
import numpy as np
import PIL
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from similarity import distances
from similarity.distances import DEFAULT, Looks, close_in_bits, close_in_looks
from similarity.groups import group
from similarity.hashes import fingerprints
from similarity.pairs import Index, pairs_within
from similarity.prints import Prints

PER_SOURCE = 16
BATCH = 1000
SLICE = 200  # rows that brute force is timed on; the rest is a rule of three
SLOW_SLICE = 50  # and imagededup, which takes equally long for each


def renders(toads: int, size: int) -> list[np.ndarray]:
    """uint8 [size, size, 3]: painted toads in every look, look by look."""
    from glide.training.looks import LOOKS, render
    from glide.training.painter import paint, random_toad

    rng = np.random.default_rng(1)
    painted = [paint(random_toad(rng)) for _ in range(toads)]
    return [np.asarray(render(look, toad, rng, size)) for look in LOOKS for toad in painted]


def collection(count: int, small: Prints, toads: int) -> Prints:
    """`count` fingerprints like those of a real run, made from those of `renders`, in any order; see above."""
    rng = np.random.default_rng(2)
    sources = -(-count // PER_SOURCE)
    look = rng.integers(0, len(small) // toads, sources) * toads
    one, other = look + rng.integers(0, toads, sources), look + rng.integers(0, toads, sources)
    looseness = np.where(rng.random(sources) < 0.25, 0.1, 1.0).astype(np.float32)
    share = rng.beta(0.4, 0.4, sources).astype(np.float32)
    moved, moved_grey = rng.normal(0, 2, (sources, 3)).astype(np.float32), rng.normal(0, 5, sources).astype(np.float32)
    taken = np.packbits(rng.random((sources, 256), np.float32) < rng.uniform(0.3, 0.7, (sources, 1)), axis=1)
    shapes = small.bits[one] & taken | small.bits[other] & ~taken
    of = rng.permutation(sources * PER_SOURCE)[:count] // PER_SOURCE
    bits, greys = np.empty((count, 32), np.uint8), np.empty((count, 16, 16), np.uint8)
    colours = np.empty((count, 8, 8, 3), np.float32)
    for start in range(0, count, 10_000):
        some = of[start : start + 10_000]
        loose, each = looseness[some], slice(start, start + len(some))
        flips = rng.random((len(some), 256), np.float32) < (rng.uniform(0, 0.2, len(some)) * loose)[:, None]
        bits[each] = shapes[some] ^ np.packbits(flips, axis=1)
        noise = candidates_noise(rng, (len(some), 8, 8, 3), 1, 2) * loose[:, None, None, None]
        weight = share[some, None, None, None]
        middle = weight * small.colours[one[some]] + (1 - weight) * small.colours[other[some]]
        colours[each] = middle + moved[some, None, None] + noise
        noise = candidates_noise(rng, (len(some), 16, 16, 1), 2, 12)[..., 0]
        noise *= rng.uniform(loose, 1)[:, None, None].astype(np.float32)
        weight = weight[..., 0]
        middle = weight * small.greys[one[some]] + (1 - weight) * small.greys[other[some]]
        greys[each] = np.clip(middle + moved_grey[some, None, None] + noise + 0.5, 0, 255)
    return Prints(bits, colours, greys, np.full(count, 64, np.uint8))


def candidates_noise(rng: np.random.Generator, shape: tuple[int, ...], whole: float, cells: float) -> np.ndarray:
    """float32 [N, side, side, channels]: by how much candidates differ in all cells at once, and in each, where some
    differ by up to `cells` and others hardly."""
    count, _, _, channels = shape
    noise = rng.standard_normal(shape, np.float32) * rng.random((count, 1, 1, 1), np.float32) * np.float32(cells)
    return noise + rng.standard_normal((count, 1, 1, channels), np.float32) * np.float32(whole)


def seconds(action: Callable[[], object], repeats: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """The median time of so many calls."""
    times = []
    for _ in range(repeats):
        start = clock()
        action()
        times.append(clock() - start)
    return statistics.median(times)


def line(what: str, took: float, beside: float | None = None, note: str = "") -> None:
    shown = f"{took * 1000:10.3f} ms" if took < 1 else f"{took:10.2f} s "
    print(f"  {what:44} {shown} {'' if beside is None else f'{took / beside:8.3f}':8}  {note}".rstrip(), flush=True)


def hashing(repeats: int) -> None:
    """Fingerprints from pixels in memory, beside decoding the PNG that the pixels are stored as."""
    rng = np.random.default_rng(3)
    for size in (64, 256):
        plain = renders(4, size)
        grainy = [np.clip(image + rng.normal(0, 1, image.shape), 0, 255).astype(np.uint8) for image in plain]
        for name, images in (("as drawn", plain), ("with grain", grainy)):
            hashing_of(f"{size} px {name}", images, repeats)


def hashing_of(name: str, images: list[np.ndarray], repeats: int) -> None:
    files = [png(image) for image in images]
    pictures = [Image.fromarray(image) for image in images]
    print(f"{name}, {sum(map(len, files)) / len(files) / 1024:.0f} KiB each; processor time of an image:")
    clock = time.process_time  # one thread each, and other programs do not count
    decoding = seconds(lambda: [np.asarray(Image.open(io.BytesIO(file))) for file in files], repeats, clock)
    alone = seconds(lambda: [imagehash.phash(one, hash_size=16) for one in pictures], repeats, clock)
    both = seconds(lambda: fingerprints(images), repeats, clock)
    line("decode the PNG", decoding / len(images), decoding / len(images))
    line("imagehash.phash, bits alone", alone / len(images), decoding / len(images))
    line("fingerprints: bits, colours, greys", both / len(images), decoding / len(images))


def png(image: np.ndarray) -> bytes:
    """As Toadworks stores candidates."""
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "PNG", compress_level=1)
    return packed.getvalue()


def all_pairs(prints: Prints, repeats: int) -> None:
    """All alike pairs, beside comparing each with each."""
    count = len(prints)
    looks = Looks.of(prints)
    rows = looks.take(slice(SLICE))
    whole = (count - 1) / 2 / len(rows.words)  # such slices have as many pairs as there are of all
    print(f"all alike pairs of {count:,}:")
    with patch.object(distances, "_faiss", return_value=None):
        before = peak()
        found = len(pairs_within(prints).left)
        note = f"{found:,} pairs; peak {peak():.2f} GB, {before:.2f} before"
        took = seconds(lambda: pairs_within(prints), repeats)
        brute = seconds(lambda: compare_all(rows, looks), repeats) * whole
        line("pairs_within", took, brute, note)
        line("numpy, each with each (from a slice)", brute, brute)
        line("group", seconds(lambda: group(prints, np.arange(count)), repeats), brute)
    if faiss := distances._faiss():
        line("pairs_within, bits by faiss", seconds(lambda: pairs_within(prints), repeats), brute)
        index = faiss.IndexBinaryFlat(256)
        index.add(prints.bits)
        faiss.omp_set_num_threads(2)
        search = seconds(lambda: index.range_search(prints.bits[: len(rows.words)], DEFAULT.bits + 1), repeats)
        line("faiss, bits alone, 2 threads (from a slice)", search * whole, brute)
        faiss.omp_set_num_threads(1)
    if importlib.util.find_spec("imagededup") is None:
        print("  imagededup is not installed, and not measured")
    else:
        search = seconds(imagededup_search(prints), repeats)
        line("imagededup, 64 bits alone (from a slice)", search * count / SLOW_SLICE, brute)


def peak() -> float:
    """The most memory that this program has had so far, in GB of 1e9 bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def compare_all(rows: Looks, looks: Looks) -> None:
    """A few against all: bits in cache-sized blocks, then colours and greys of those that are close; two threads."""

    def compare(start: int) -> None:
        some = rows.take(slice(start, start + len(rows.words) // 2))
        row, column, _ = close_in_bits(some.words, looks.words, DEFAULT.bits)
        close_in_looks(some, row, looks, column, DEFAULT)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(compare, (0, len(rows.words) // 2)))


def imagededup_search(prints: Prints) -> Callable[[], object]:
    """What its `PHash.find_duplicates` does, by its fastest method, for a few of the images: each is compared with all.

    Its hashes are the 8x8 lowest frequencies: here those of our 16x16. Two of its packages import torch and matplotlib
    for other things; they are passed over.
    """
    root = importlib.import_module("imagededup").__path__[0]
    for name in ("methods", "utils"):
        package = sys.modules[f"imagededup.{name}"] = ModuleType(f"imagededup.{name}")
        package.__path__ = [f"{root}/{name}"]
    retrieval: Any = importlib.import_module("imagededup.handlers.search.retrieval")
    distance = importlib.import_module("imagededup.methods.hashing").PHash.hamming_distance
    logging.getLogger("imagededup.handlers.search.retrieval").setLevel(logging.WARNING)
    hashes = {f"{number:07}.png": row.tobytes().hex() for number, row in enumerate(prints.bits[:, :16:2])}
    some = {name: hashes[name] for name in list(hashes)[:SLOW_SLICE]}
    return lambda: retrieval.HashEval(hashes, some, distance, False, 10, "brute_force_cython", 0).retrieve_results()


def batch(prints: Prints, repeats: int) -> None:
    """A new batch against all before it."""
    count = len(prints) - BATCH
    old, new = prints.take(slice(count)), prints.take(slice(count, None))
    print(f"a batch of {BATCH:,} against {count:,}:")
    with patch.object(distances, "_faiss", return_value=None):
        start = time.perf_counter()
        index = Index(old)
        making = time.perf_counter() - start
        looks, rows = Looks.of(old), Looks.of(new).take(slice(SLICE))
        brute = seconds(lambda: compare_all(rows, looks), repeats) * BATCH / SLICE
        line("Index.near", seconds(lambda: index.near(new), repeats), brute)
        line("numpy, each with each (from a slice)", brute, brute)
        line("making the index, once", making, brute)


def machine() -> str:
    """The processor and what else the times depend on."""
    about = Path("/proc/cpuinfo")  # of Linux alone
    lines = about.read_text().splitlines() if about.exists() else []
    named = [text.partition(":")[2].strip() for text in lines if text.startswith("model name")]
    processor = named[0] if named else platform.processor() or platform.machine()
    return f"{processor}, {os.cpu_count()} cores; numpy {np.__version__}, Pillow {PIL.__version__}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--images", type=int, default=1_000_000, help="the larger collection; the smaller is 100,000")
    asked.add_argument("--toads", type=int, default=100, help="painted, each drawn in sixteen looks")
    asked.add_argument("--repeats", type=int, default=3, help="of which the median is shown")
    given = asked.parse_args()
    print(machine())
    print(f"{'':46} {'median':>10}    {'ratio':>8}")
    hashing(max(given.repeats, 7))
    small = fingerprints(renders(given.toads, 64))
    large = collection(given.images + BATCH, small, given.toads)
    if given.images > 100_000:
        all_pairs(large.take(slice(100_000)), given.repeats)
    all_pairs(large.take(slice(given.images)), given.repeats)
    batch(large, given.repeats)


if __name__ == "__main__":
    main()
