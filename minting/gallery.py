"""The release's index.html: every token with its picture and attributes, on one page that opens from disk.

No script, no font and no picture comes from another host, so the page looks the same offline and in ten years.
"""

from __future__ import annotations

from html import escape
from typing import Any

from minting.manifest import TokenEntry
from minting.metadata import Release
from minting.tables import Listed

_STYLE = """
:root { color-scheme: light dark; --page: #faf8f4; --card: #ffffff; --ink: #22252a; --faint: #77736a; --line: #e5e1d8 }
@media (prefers-color-scheme: dark) {
  :root { --page: #131519; --card: #1b1e24; --ink: #ebe9e3; --faint: #8d919a; --line: #2b2f37 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1600px; padding: 3rem clamp(1rem, 4vw, 4rem); background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
header { max-width: 44rem; margin-bottom: 3rem }
h1 { margin: 0 0 .5rem; font-size: 2.25rem; font-weight: 600; letter-spacing: -.02em; line-height: 1.15 }
header p { margin: 0 0 .5rem; color: var(--faint); white-space: pre-line }
a { color: inherit }
main { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1.5rem; align-items: start }
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


def gallery_page(release: Release, tokens: Listed) -> str:
    """The page's HTML for tokens and their metadata, in the order given. All text is escaped."""
    title = escape(release.collection)
    about = [f"<p>{escape(release.description)}</p>"] if release.description else []
    about.append(f"<p>{len(tokens)} {'token' if len(tokens) == 1 else 'tokens'}</p>")
    if release.external_url:
        address = escape(release.external_url)
        about.append(f'<p><a href="{address}" rel="noreferrer">{address}</a></p>')
    pixels = ' class="pixels"' if release.resampling == "nearest" else ""
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>",
            f"<header>\n<h1>{title}</h1>",
            *about,
            f"</header>\n<main{pixels}>",
            *(_card(token, metadata) for token, metadata in tokens),
            "</main>\n</body>\n</html>\n",
        ]
    )


def _card(token: TokenEntry, metadata: dict[str, Any]) -> str:
    """One token: the attributes fold away, so that the page is first of all pictures."""
    name = escape(metadata["name"])
    rows = "".join(
        f"<dt>{escape(str(attribute.get('trait_type', '')))}</dt><dd>{escape(str(attribute['value']))}</dd>"
        for attribute in metadata["attributes"]
    )
    return (
        f'<article id="{token.number}">\n{_picture(token, name)}\n'
        f"<h2>{name}</h2>\n<p>{escape(metadata['description'])}</p>\n"
        f"<details><summary>Attributes</summary><dl>{rows}</dl></details>\n</article>"
    )


def _picture(token: TokenEntry, name: str) -> str:
    """With a preview, the way from the source to the picture shows where the pointer rests on it."""
    image = f'<img src="{escape(token.image.path)}" alt="{name}" loading="lazy">'
    if token.preview is None:
        return image
    way = f'<img class="way" src="{escape(token.preview.path)}" alt="" loading="lazy">'
    return f'<div class="moving">{image}{way}</div>'
