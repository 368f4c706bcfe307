"""The release's rarity.html: its tokens with their pictures, the rarest first, beside how often every trait occurs.

It loads nothing from another host (see `page`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from errors import BadValue
from minting.metadata import Release
from minting.page import counted, html_page, picture_class
from minting.rarity import RarityTable, Row, Trait, Value

AT_ONCE = 12  # values of a trait that are seen without unfolding the rest
_MISSING = "(has none)"
_STYLE = """
header { margin-bottom: 2rem }
.beside { display: grid; gap: 2rem; align-items: start }
.rank { display: flex; justify-content: space-between; gap: 1rem; margin: .8rem 1rem 0; font-size: .85rem;
  font-variant-numeric: tabular-nums }
.rank b { color: var(--ink) }
.often { color: var(--faint); white-space: nowrap }
dl { grid-template-columns: minmax(min-content, 2fr) 3fr; gap: .2rem .5rem }
dd small { margin-left: .3rem; font-size: inherit; color: var(--faint) }
article h2 { margin: 0 1rem .7rem; font-weight: 400 }
aside { border: 1px solid var(--line); border-radius: 10px; background: var(--card); max-height: 50vh; overflow: auto;
  overscroll-behavior: contain }
section { padding: 1rem 1.2rem; font-size: .85rem; content-visibility: auto; contain-intrinsic-size: auto 200px }
section + section { border-top: 1px solid var(--line) }
section h2 { margin: 0 0 .5rem; font-size: .95rem; font-weight: 600; overflow-wrap: anywhere }
section h2 small, section summary { font-size: .85rem; font-weight: 400; color: var(--faint) }
section details { border: 0; padding: .4rem 0 0 }
ul { list-style: none; margin: 0; padding: 0 }
li { display: grid; grid-template-columns: 1fr auto; gap: .1rem 1rem; margin-bottom: .45rem }
li span { overflow-wrap: anywhere }
li::after { content: ""; grid-column: 1 / -1; height: 4px; border-radius: 2px;
  background: linear-gradient(90deg, var(--bar) var(--share), var(--line) var(--share)) }
.none { font-style: italic; color: var(--faint) }
@media (min-width: 1000px) {
  .beside { grid-template-columns: 1fr 20rem }
  main { grid-column: 1; grid-row: 1 }
  aside { position: sticky; top: 1.5rem; max-height: calc(100vh - 3rem) }
}
"""


def rarity_page(release: Release, table: RarityTable, images: Sequence[str]) -> str:
    """The page's HTML. `images`: each token's picture as seen from the page ("images/1.png"), number 1 first. All text
    is escaped. Raises BadValue where there are not as many pictures as tokens."""
    if len(images) != len(table.rows):
        raise BadValue("pictures", len(images), f"one a token, {len(table.rows)} in all")
    left_out = [trait.name for trait in table.traits if not trait.scored]
    about = [
        f"<p>{counted(len(table.rows), 'token')}, the rarest first. Rank and score are OpenRarity's: the information in"
        " a token's traits, divided by that in the whole collection. Values that no other token has count before the"
        " score.</p>"
    ]
    if left_out:
        about.append(f"<p>Numbers have no part in it: {escape(', '.join(left_out))}.</p>")
    return html_page(
        f"{release.collection}: rarity",
        about,
        [
            '<div class="beside">\n<aside aria-label="Traits" tabindex="0">',
            *(_trait(trait, len(table.rows)) for trait in table.traits),
            f"</aside>\n<main{picture_class(release)}>",
            *(_card(row, table, images[row.number - 1]) for row in table.by_rank()),
            "</main>\n</div>",
        ],
        _STYLE,
    )


def _card(row: Row, table: RarityTable, image: str) -> str:
    name = escape(row.name)
    pairs = zip(table.traits, row.values, strict=True)
    kept = sorted((pair for pair in pairs if not pair[1].missing), key=lambda pair: (not pair[0].scored, pair[1].count))
    rows = "".join(
        f"<dt>{escape(trait.name)}</dt><dd>{escape(value.shown)} <small>{value.count:,}</small></dd>"
        for trait, value in kept
    )
    return (
        f'<article id="{row.number}">\n<img src="{escape(image)}" alt="{name}" loading="lazy">\n'
        f'<p class="rank"><b>Rank {row.rank:,}</b><span>score {row.score:.3f}</span></p>\n<h2>{name}</h2>\n'
        f"<details><summary>Traits and counts</summary><dl>{rows}</dl></details>\n</article>"
    )


def _trait(trait: Trait, tokens: int) -> str:
    """A list of its values with bars; beyond the most frequent they fold away."""
    lines = list(_bars(trait, tokens))
    known = sum(not value.missing for value in trait.values)
    told = counted(known, "value") + ("" if trait.scored else ", not in the score")
    rest = lines[AT_ONCE:]
    more = f"<details><summary>{len(rest):,} more</summary><ul>{''.join(rest)}</ul></details>" if rest else ""
    return (
        f"<section>\n<h2>{escape(trait.name)} <small>{told}</small></h2>\n"
        f"<ul>{''.join(lines[:AT_ONCE])}</ul>{more}\n</section>"
    )


def _bars(trait: Trait, tokens: int) -> Iterator[str]:
    for value in trait.values:
        shown = f'<span class="none">{_MISSING}</span>' if value.missing else f"<span>{escape(value.shown)}</span>"
        share = f"{100 * value.count / tokens:.2f}%"
        yield f'<li style="--share: {share}">{shown}<span class="often">{_often(value, tokens)}</span></li>'


def _often(value: Value, tokens: int) -> str:
    """How many have it, and which share that is: never "0 %" of something that is there."""
    share = 100 * value.count / tokens
    return f"{value.count:,} · {f'{share:.1f}' if share >= 0.1 else '&lt; 0.1'} %"
