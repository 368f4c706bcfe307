"""Draws docs/pictures/review.png and review-grid.png: the review page in Chromium, over painted toads that tadpole
restyled.

Run it from the repository's root: `python docs/make_review_pictures.py`. It needs Chromium and takes some minutes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent))

from flows.new import paint_sources, write_collection  # noqa: E402
from tests.curation.browsing import Served, chromium, open_page, wait_for_pictures, wait_until_saved  # noqa: E402

VIEW = {"width": 1280, "height": 800}
STYLES = ("crayon", "ink", "neon", "stained glass", "blueprint", "comic")
KEYS = "aarasrraarsara"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="toadworks-pictures-") as folder:
        images = paint_sources(Path(folder) / "toads", count=6, seed=7)
        grid = {"guidance_scales": (1.5, 3, 5, 8), "insertion_steps": (1, 3, 6, 9)}
        settings = write_collection(Path(folder) / "Pond", images, licence="CC0-1.0", styles=STYLES, **grid)
        file = settings.file
        file.write_text(file.read_text().replace("supply = 0 ", "supply = 40 "), encoding="utf-8")
        command = [sys.executable, "-m", "toadworks", "run", "-c", str(file)]
        subprocess.run(command, cwd=DOCS.parent, check=True)
        server = Served(settings.folder)
        try:
            with chromium() as browser:
                _draw(browser, server)
        finally:
            server.stop()


def _draw(browser: object, server: Served) -> None:
    page, _ = open_page(browser, server.url + "/", viewport=VIEW, color_scheme="light")  # type: ignore[arg-type]
    for key in KEYS:
        page.keyboard.press(key)
    wait_until_saved(page)
    if not page.locator("#panel").is_visible():
        page.keyboard.press("e")
    _shoot(page, "review.png")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    page.get_by_text("Guidance scale × Insertion step").wait_for()
    page.emulate_media(color_scheme="dark")
    _shoot(page, "review-grid.png")


def _shoot(page: object, name: str) -> None:
    wait_for_pictures(page)  # type: ignore[arg-type]
    page.wait_for_timeout(3000)  # type: ignore[attr-defined]  # the progress is counted again after the last decision
    file = DOCS / "pictures" / name
    page.screenshot(path=file)  # type: ignore[attr-defined]
    with Image.open(file) as image:
        image.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)
    print(f"{file}: {file.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
