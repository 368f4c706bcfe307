"""The release's index.html: every token with its picture and attributes, on one page that opens from disk.

It loads nothing from another host (see `page`).
"""

from __future__ import annotations

from html import escape
from typing import Any

from minting.manifest import TokenEntry
from minting.metadata import Release
from minting.page import counted, html_page, picture_class
from minting.tables import Listed


def gallery_page(release: Release, tokens: Listed) -> str:
    """The page's HTML for tokens and their metadata, in the order given. All text is escaped."""
    about = [f"<p>{escape(release.description)}</p>"] if release.description else []
    about.append(f"<p>{counted(len(tokens), 'token')}</p>")
    if release.external_url:
        address = escape(release.external_url)
        about.append(f'<p><a href="{address}" rel="noreferrer">{address}</a></p>')
    cards = [_card(token, metadata) for token, metadata in tokens]
    return html_page(release.collection, about, [f"<main{picture_class(release)}>", *cards, "</main>"])


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
