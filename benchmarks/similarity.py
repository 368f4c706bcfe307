"""How long do look-alikes take? Hashing beside decoding, all alike pairs beside brute force, a batch beside a million.

    OMP_NUM_THREADS=2 python benchmarks/similarity.py [--images 1000000] [--toads 100] [--repeats 3]

Everything is synthetic: painted toads in the sixteen looks, rendered, are the small set. The large one is made from
their fingerprints. A new source in a style is a blend of two toads in that style: each bit from one of them, colours in
between, and all of them moved by about 2. Of every new source there are 16 candidates: bits flipped (up to a fifth of
them), all colours moved by about 1, and each cell's by up to 2. In a quarter of the sources the candidates differ a
tenth as much, so that most of those are alike.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import patch

import imagehash
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))  # this folder's parent, wherever it is run from

from similarity import distances
from similarity.distances import DEFAULT, Looks, colour_apart
from similarity.groups import group
from similarity.hashes import fingerprints
from similarity.pairs import Index, pairs_within

PER_SOURCE = 16
BATCH = 1000
SLICE = 200  # rows that brute force is timed on; the rest is a rule of three

Prints = tuple[np.ndarray, np.ndarray]


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
    look = rng.integers(0, len(small[0]) // toads, sources) * toads
    one, other = look + rng.integers(0, toads, sources), look + rng.integers(0, toads, sources)
    looseness = np.where(rng.random(sources) < 0.25, 0.1, 1.0).astype(np.float32)
    share = rng.beta(0.4, 0.4, sources).astype(np.float32)
    moved = rng.normal(0, 2, (sources, 3)).astype(np.float32)
    taken = np.packbits(rng.random((sources, 256), np.float32) < rng.uniform(0.3, 0.7, (sources, 1)), axis=1)
    shapes = small[0][one] & taken | small[0][other] & ~taken
    of = rng.permutation(sources * PER_SOURCE)[:count] // PER_SOURCE
    bits, colours = np.empty((count, 32), np.uint8), np.empty((count, 8, 8, 3), np.float32)
    for start in range(0, count, 10_000):
        some = of[start : start + 10_000]
        loose, each = looseness[some], slice(start, start + len(some))
        flips = rng.random((len(some), 256), np.float32) < (rng.uniform(0, 0.2, len(some)) * loose)[:, None]
        bits[each] = shapes[some] ^ np.packbits(flips, axis=1)
        noise = rng.standard_normal((len(some), 8, 8, 3), np.float32) * rng.random((len(some), 1, 1, 1), np.float32) * 2
        noise += rng.standard_normal((len(some), 1, 1, 3), np.float32)
        weight = share[some, None, None, None]
        middle = weight * small[1][one[some]] + (1 - weight) * small[1][other[some]] + moved[some, None, None]
        colours[each] = middle + noise * loose[:, None, None, None]
    return bits, colours


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
    line("fingerprints, the same bits and colours", both / len(images), decoding / len(images))


def png(image: np.ndarray) -> bytes:
    """As Toadworks stores candidates."""
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "PNG", compress_level=1)
    return packed.getvalue()


def all_pairs(prints: Prints, repeats: int) -> None:
    """All alike pairs, beside comparing each with each."""
    count = len(prints[0])
    looks = Looks.of(*prints)
    rows = looks.take(np.arange(min(SLICE, count)))
    whole = (count - 1) / 2 / len(rows.words)  # such slices have as many pairs as there are of all
    print(f"all alike pairs of {count:,}:")
    with patch.object(distances, "_faiss", return_value=None):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        found = len(pairs_within(*prints).left)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        took = seconds(lambda: pairs_within(*prints), repeats)
        brute = seconds(lambda: compare_all(rows, looks), repeats) * whole
        line("pairs_within", took, brute, f"{found:,} pairs; peak {peak / 2**20:.2f} GiB, {before / 2**20:.2f} before")
        line("numpy, each with each (from a slice)", brute, brute)
        line("group", seconds(lambda: group(*prints, np.arange(count)), repeats), brute)
    if faiss := distances._faiss():
        line("pairs_within, bits by faiss", seconds(lambda: pairs_within(*prints), repeats), brute)
        index = faiss.IndexBinaryFlat(256)
        index.add(prints[0])
        faiss.omp_set_num_threads(2)
        search = seconds(lambda: index.range_search(prints[0][: len(rows.words)], DEFAULT.bits + 1), repeats)
        line("faiss, bits alone, 2 threads (from a slice)", search * whole, brute)
        faiss.omp_set_num_threads(1)


def compare_all(rows: Looks, looks: Looks) -> None:
    """A few against all: bits in cache-sized blocks, then colours of those that are close; two threads."""

    def compare(start: int) -> None:
        some = rows.take(slice(start, start + len(rows.words) // 2))
        row, column, _ = distances.close_in_bits(some.words, looks.words, DEFAULT.bits)
        colour_apart(some.colours, row, looks.colours, column)

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(compare, (0, len(rows.words) // 2)))


def batch(prints: Prints, repeats: int) -> None:
    """A new batch against all before it."""
    (bits, colours), count = prints, len(prints[0]) - BATCH
    print(f"a batch of {BATCH:,} against {count:,}:")
    looks = Looks.of(bits[:count], colours[:count])
    with patch.object(distances, "_faiss", return_value=None):
        start = time.perf_counter()
        index = Index(bits[:count], colours[:count])
        making = time.perf_counter() - start
        brute = seconds(lambda: compare_all(Looks.of(bits[count:][:SLICE], colours[count:][:SLICE]), looks), repeats)
        brute *= BATCH / SLICE
        line("Index.near", seconds(lambda: index.near(bits[count:], colours[count:]), repeats), brute)
        line("numpy, each with each (from a slice)", brute, brute)
        line("making the index, once", making, brute)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--images", type=int, default=1_000_000, help="the larger collection; the smaller is 100,000")
    asked.add_argument("--toads", type=int, default=100, help="painted, each drawn in sixteen looks")
    asked.add_argument("--repeats", type=int, default=3, help="of which the median is shown")
    given = asked.parse_args()
    print(f"{'':46} {'median':>10}    {'ratio':>8}")
    hashing(max(given.repeats, 7))
    small = fingerprints(renders(given.toads, 64))
    large = collection(given.images + BATCH, small, given.toads)
    if given.images > 100_000:
        all_pairs((large[0][:100_000], large[1][:100_000]), given.repeats)
    all_pairs((large[0][: given.images], large[1][: given.images]), given.repeats)
    batch(large, given.repeats)


if __name__ == "__main__":
    main()
