"""Draws docs/pictures/rarity.png and preview.png: the rarity page of a release of painted toads in Chromium, and the
frames of some tokens' previews.

Run it from the repository's root: `python docs/make_release_pictures.py`. It needs Chromium and takes some minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageSequence

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from flows.new import paint_sources, write_collection  # noqa: E402
from flows.settings import Settings  # noqa: E402
from tests.curation.browsing import chromium  # noqa: E402

VIEW = {"width": 1280, "height": 800}
STYLES = ("crayon", "neon", "stained glass", "blueprint")
SHOWN = 4  # tokens' previews
SIDE, GAP = 128, 8  # pixels of a frame, and between two


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="toadworks-pictures-") as folder:
        images = paint_sources(Path(folder) / "toads", count=8, seed=7)
        settings = write_collection(
            Path(folder) / "Pond", images, licence="CC0-1.0", styles=STYLES, insertion_steps=(3,)
        )
        text = settings.file.read_text().replace("previews = false", "previews = true")
        settings.file.write_text(text.replace("drop = []", 'drop = ["Guidance Scale", "Insertion Step"]'), "utf-8")
        for command in (("run", "--accept", "leaders"), ("export",)):
            typed = [sys.executable, "-m", "toadworks", *command, "-c", str(settings.file)]
            subprocess.run(typed, cwd=DOCS.parent, check=True)
        _shoot(settings)
        _strip(settings.release_folder)


def _shoot(settings: Settings) -> None:
    with chromium() as browser:
        page = browser.new_page(viewport=VIEW, color_scheme="light")
        page.goto((settings.release_folder / "rarity.html").as_uri())
        page.wait_for_load_state("networkidle")  # the pictures come as they are seen
        page.screenshot(path=DOCS / "pictures" / "rarity.png")
    _squeeze("rarity.png")


def _strip(release: Path) -> None:
    """A row a token: its source, what the network foresaw, its picture."""
    files = sorted((release / "previews").iterdir(), key=lambda file: int(file.stem))[::3][:SHOWN]
    rows = []
    for file in files:
        with Image.open(file) as moving:
            frames = [frame.convert("RGB") for frame in ImageSequence.Iterator(moving)]
        rows.append([frames[0], *frames[1:-1:2], frames[-1]])
    across = max(map(len, rows))
    sheet = Image.new("RGB", (across * (SIDE + GAP) - GAP, len(rows) * (SIDE + GAP) - GAP), "white")
    for down, row in enumerate(rows):
        for right, frame in enumerate(row):
            sheet.paste(frame.resize((SIDE, SIDE), Image.Resampling.BOX), (right * (SIDE + GAP), down * (SIDE + GAP)))
    sheet.save(DOCS / "pictures" / "preview.png")
    _squeeze("preview.png")


def _squeeze(name: str) -> None:
    file = DOCS / "pictures" / name
    with Image.open(file) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
