"""What the release's pages have in common: colours for light and dark, a heading, cards with pictures.

No script, no font and no picture comes from another host, so a page looks the same offline and in ten years.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from minting.metadata import Release

_STYLE = """
:root { color-scheme: light dark; --page: #faf8f4; --card: #ffffff; --ink: #22252a; --faint: #6f6b62; --line: #e5e1d8;
  --bar: #7d9b4e }
@media (prefers-color-scheme: dark) {
  :root { --page: #131519; --card: #1b1e24; --ink: #ebe9e3; --faint: #8d919a; --line: #2b2f37; --bar: #86a552 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1600px; padding: 3rem clamp(1rem, 4vw, 4rem); background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header { max-width: 44rem; margin-bottom: 3rem }
h1 { margin: 0 0 .5rem; font-size: 2.25rem; font-weight: 600; letter-spacing: -.02em; line-height: 1.15 }
header p { margin: 0 0 .5rem; color: var(--faint); white-space: pre-line }
a { color: inherit }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(220px, 100%), 1fr)); gap: 1.5rem;
  align-items: start }
article { background: var(--card); border: 1px solid var(--line); border-radius: 10px; overflow: hidden;
  content-visibility: auto; contain-intrinsic-size: auto 330px }
img { display: block; width: 100%; height: auto }
.moving { position: relative }
.way { position: absolute; inset: 0; opacity: 0 }
.moving:hover .way { opacity: 1 }
.pixels img { image-rendering: pixelated }
h2 { margin: .9rem 1rem .1rem; font-size: 1rem; font-weight: 600; overflow-wrap: anywhere }
article p { margin: 0 1rem .8rem; color: var(--faint); font-size: .85rem; overflow-wrap: anywhere }
details { border-top: 1px solid var(--line); padding: .6rem 1rem; font-size: .85rem }
summary { cursor: pointer; color: var(--faint) }
dl { display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: .6rem 0 .2rem }
dt { color: var(--faint) }
dd { margin: 0; text-align: right; overflow-wrap: anywhere }
"""


def html_page(title: str, about: Iterable[str], content: Iterable[str], style: str = "") -> str:
    """A whole page: `title` is plain text, which becomes the heading; `about`, below it, and `content` are HTML;
    `style` is added to what all pages have."""
    heading = escape(title)
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{heading}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>",
            f"<header>\n<h1>{heading}</h1>",
            *about,
            "</header>",
            *content,
            "</body>\n</html>\n",
        ]
    )


def picture_class(release: Release) -> str:
    """The attribute that keeps enlarged pixels hard, where the release does."""
    return ' class="pixels"' if release.resampling == "nearest" else ""


def counted(count: int, what: str) -> str:
    """ "1 token", "2 tokens", "10,000 tokens"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
