"""What the collection becomes: how many tokens it has of each source, style and trait, how rare each trait is, and what
one candidate more or less would do to that."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from collection_db.filtering import Eyes
from curation.review import Review

MOST_VALUES = 40  # of one trait that are listed


def becoming(review: Review, eyes: Eyes, number: int | None = None) -> dict[str, Any]:
    """The collection as this curator would see it released now; with the candidate `number` also what accepting it, or
    dropping it if it is accepted, would make of each of its traits."""
    traits: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sources: Counter[str] = Counter()
    styles: Counter[str] = Counter()
    for source, style, scale, step, count in review.table.traits_of_accepted(eyes):
        sources[source] += count
        styles[style] += count
        for trait, value in review.traits(source, style, scale, step):
            traits[trait][value] += count
    accepted = sources.total()
    return {
        "accepted": accepted,
        "supply": review.supply,
        "sources": {"used": len(sources), "of": len(review.table.present_sources())},
        "styles": _spread(styles, accepted),
        "traits": [{"trait": trait, "values": _spread(of, accepted)} for trait, of in sorted(traits.items())],
        "this": None if number is None else _this(review, eyes, number, traits, accepted),
    }


def _spread(counts: Counter[str], total: int) -> list[dict[str, Any]]:
    """The most common first."""
    return [
        {"value": value, "count": count, "share": _share(count, total)}
        for value, count in sorted(counts.items(), key=lambda one: (-one[1], one[0]))[:MOST_VALUES]
    ]


def _this(
    review: Review, eyes: Eyes, number: int, traits: defaultdict[str, Counter[str]], accepted: int
) -> dict[str, Any] | None:
    for seen in review.table.seen([number], eyes):
        row, is_in = seen.row, seen.standing.verdict == "accept"
        change = -1 if is_in else 1
        told = []
        for trait, value in review.traits(row.source_id, row.style, row.guidance_scale, row.insertion_step):
            now = traits[trait][value]
            told.append(
                {
                    "trait": trait,
                    "value": value,
                    "now": now,
                    "share_now": _share(now, accepted),
                    "then": now + change,
                    "share_then": _share(now + change, accepted + change),
                }
            )
        return {"accepted": is_in, "traits": told}
    return None


def _share(count: int, total: int) -> float:
    return count / total if total else 0.0
