"""The curation table's schema, the same on SQLite and PostgreSQL. `migrations/` brings a database to it; a
test holds the two equal, so a change here needs a migration beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERDICTS = ("accept", "reject", "undecided")
ACTIONS = [
    *("accept", "reject", "undecide", "star", "unstar", "tag", "untag", "note", "rename", "lead", "unlead"),
    *("more", "unmore", "undo"),
]


def utc_now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, stored and given back in UTC. SQLite keeps no time zone, so without this it would
    hand back naive times that PostgreSQL does not."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = sa.MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map = {
        str: sa.Text,
        float: sa.Double,
        datetime: UtcDateTime,
    }


# Columns by which views are sorted; see `viewing`. What may be missing comes last when the largest come first.
SORTS = ("position", "score", "decided_at")
VIEW_COLUMNS = [
    *((sort,) for sort in SORTS),
    *(("verdict", sort) for sort in SORTS),
    ("style", "position"),
    ("style", "score"),
    ("source_id", "position"),
    ("leader_id",),
]
# of leaders, which are looked at first: those of each verdict, in these orders
LEADS_SORTS = ("position", "score")
LEADS = "shown AND leader_id = id"
# candidates of which there are few, or that are counted
FEW = {
    "disagreed": "shown AND disagreed",
    "starred": "shown AND stars > 0",
    "several": "shown AND people > 1",
    "more": "shown AND more",
    "hidden": "NOT shown",
    "flat": "shown AND flat",
    "unchanged": "shown AND unchanged",
    "copies": "shown AND copy_of IS NOT NULL",
    "earlier": "shown AND earlier IS NOT NULL",
    "twins": "shown AND twin_id IS NOT NULL",
    "freed": "freed_at IS NOT NULL",
}


def _index(name: str, *columns: str, where: str) -> sa.Index:
    return sa.Index(name, *columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _view_index(*columns: str) -> sa.Index:
    """Of the candidates that are shown. Its last column, the number, is narrow and tells equals apart."""
    return _index(f"ix_candidates_{'_'.join(columns)}", *columns, "number", where="shown")


class Source(Base):
    """A token of the source collection. `id` is its file's name without the ending."""

    __tablename__ = "sources"

    id: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int]  # order of ingest
    file: Mapped[str]
    pixels_sha256: Mapped[str] = mapped_column(unique=True)
    image_sha256: Mapped[str]  # asset: the decoded frame as PNG
    mask_sha256: Mapped[str | None]  # asset: alpha as an 8-bit PNG, for transparent sources
    width: Mapped[int]
    height: Mapped[int]
    frames: Mapped[int]
    attributes: Mapped[Any] = mapped_column(sa.JSON)
    licence: Mapped[str]
    present: Mapped[bool]  # in the user's folder at the last ingest: the plan takes no others
    added_at: Mapped[datetime]


class SkippedSource(Base):
    """A source file that could not be taken, and why."""

    __tablename__ = "skipped_sources"

    file: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]


class StoredRecipe(Base):
    """A recipe (`styles.recipes.Recipe`), whole in `json` and unfolded in columns. `planned`: the present
    plan asks for it; recipes of former plans stay, since candidates and decisions hang on them."""

    __tablename__ = "recipes"
    __table_args__ = (
        sa.Index(None, "source_id"),
        _index("ix_recipes_off", "position", where="NOT planned"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    source_id: Mapped[str] = mapped_column(sa.ForeignKey("sources.id"))
    style: Mapped[str]
    prompt: Mapped[str]
    guidance_scale: Mapped[float]
    insertion_step: Mapped[int]
    mode: Mapped[str]
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    sampler: Mapped[str]
    steps: Mapped[int]
    model: Mapped[str]
    weights_sha256: Mapped[str]
    json: Mapped[str]
    planned: Mapped[bool]
    position: Mapped[int]
    added_at: Mapped[datetime]


class Work(Base):
    """A planned recipe without a candidate, and who makes it. A worker claims some of them for a time; one whose time
    ran out is anybody's again, and what comes under another claim than the one that is written here is refused."""

    __tablename__ = "work"
    __table_args__ = (
        # those beside each other that can share a batch
        sa.Index("ix_work_order", "steps", "insertion_step", "position", "recipe_id"),
        sa.Index(None, "claim"),
    )

    recipe_id: Mapped[str] = mapped_column(sa.ForeignKey("recipes.id"), primary_key=True)
    steps: Mapped[int]
    insertion_step: Mapped[int]
    position: Mapped[int]
    problem: Mapped[str | None]  # why the last try made nothing; nobody draws it until a run begins anew
    worker: Mapped[str | None]
    claim: Mapped[str | None]
    leased_until: Mapped[float | None]  # seconds since 1970, by the database's clock


class Candidate(Base):
    """The image that a recipe gave. Its id is the recipe's.

    Besides what was made it holds copies of some of its recipe's columns, and what stands of its decisions: so every
    view that people filter and sort is one index of one table. `collection_db.checking` holds both against where they
    come from.
    """

    __tablename__ = "candidates"
    __table_args__ = (
        sa.Index("uq_candidates_number", "number", unique=True),
        *(_view_index(*columns) for columns in VIEW_COLUMNS),
        *(_index(f"ix_candidates_leads_{sort}", "verdict", sort, "number", where=LEADS) for sort in LEADS_SORTS),
        *(_index(f"ix_candidates_{name}", "position", "number", where=where) for name, where in FEW.items()),
    )

    id: Mapped[str] = mapped_column(sa.ForeignKey("recipes.id"), primary_key=True)
    number: Mapped[int]  # in the order in which they were stored
    image_sha256: Mapped[str]
    freed_at: Mapped[datetime | None]  # since when the image is no longer kept (`toadworks gc`)
    seconds: Mapped[float]
    made_with: Mapped[Any] = mapped_column(sa.JSON)
    made_at: Mapped[datetime]
    worker: Mapped[str]  # who made it
    clip_score: Mapped[float | None]  # cosine of image and prompt
    # where the recipe draws several base images: {"scorer": name, "scores": of all of them, "kept": which one this is}
    samples: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
    # the recipe's
    source_id: Mapped[str]
    style: Mapped[str]
    guidance_scale: Mapped[float]
    insertion_step: Mapped[int]
    position: Mapped[int]
    shown: Mapped[bool]  # the plan asks for it, or somebody said something of it
    # by which algorithm, size and version its fingerprint was made
    hashed_with: Mapped[str | None]
    flat: Mapped[bool | None]  # so nearly of one brightness that its shape means nothing
    structure: Mapped[float | None]  # edge correlation with the source
    source_bits: Mapped[int | None]  # in which its hash and its source's differ
    # what it looks like besides its group's leader
    unchanged: Mapped[bool | None]  # practically its own source, in structure
    copy_of: Mapped[str | None]  # the other source that it is practically a copy of, in structure
    earlier: Mapped[str | None]  # the token of an earlier collection that it looks like
    twin_id: Mapped[str | None]  # the better leader, of another source, that it looks like
    score: Mapped[float | None]
    leader_id: Mapped[str | None]  # who leads its look-alike group; itself if it leads
    # with which settings and pictures it was compared: with sources and earlier tokens, with leaders of other sources
    compared_as: Mapped[str | None]
    crossed_as: Mapped[str | None]
    # what stands of its decisions: see `ledger.Standing`
    verdict: Mapped[str]
    curator: Mapped[str | None]
    decided_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    note: Mapped[str]
    name: Mapped[str]
    disagreed: Mapped[bool]
    stars: Mapped[int]
    chosen: Mapped[int | None]
    entries: Mapped[int]
    judged: Mapped[bool]
    people: Mapped[int]
    more: Mapped[bool]


class Fingerprint(Base):
    """What a candidate looks like (`similarity.prints.Prints`): apart from it, as it is long and seldom wanted."""

    __tablename__ = "fingerprints"

    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), primary_key=True)
    hash_bits: Mapped[bytes] = mapped_column(sa.LargeBinary)
    mirror_bits: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # of the mirror image, where that is asked for
    colours: Mapped[bytes] = mapped_column(sa.LargeBinary)  # float32, 8x8x3
    greys: Mapped[bytes] = mapped_column(sa.LargeBinary)  # uint8, 16x16
    side: Mapped[int]  # the shorter one, in pixels, 64 at most


class Decision(Base):
    """An entry of the ledger: what a curator said of a candidate. Triggers (see the migrations) refuse UPDATE and
    DELETE. `collection_db.ledger` tells what follows from a candidate's entries."""

    __tablename__ = "decisions"
    __table_args__ = (
        sa.Index(None, "candidate_id", "number"),
        sa.Index(None, "curator", "number"),
        sa.Index(None, "request"),
        _index("ix_decisions_settles", "candidate_id", where="settles"),
        sa.CheckConstraint(f"action IN ({', '.join(map(repr, ACTIONS))})", name="action"),
    )

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"))
    action: Mapped[str]
    value: Mapped[str]  # the tag, or the name
    curator: Mapped[str]
    note: Mapped[str]
    settles: Mapped[bool]  # a verdict that ends a disagreement
    undoes: Mapped[int | None]  # the entry that "undo" takes back
    request: Mapped[str]  # what was said in one step has one of these; so it is said once, and undone in one step
    decided_at: Mapped[datetime]


class Tagged(Base):
    """What stands of the ledger's tags."""

    __tablename__ = "tagged"
    __table_args__ = (sa.Index(None, "candidate_id"),)

    tag: Mapped[str] = mapped_column(primary_key=True)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), primary_key=True)


class Opinion(Base):
    """What stands of each person's entries: see `ledger.Word`."""

    __tablename__ = "opinions"
    __table_args__ = (sa.Index(None, "candidate_id"),)

    curator: Mapped[str] = mapped_column(primary_key=True)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), primary_key=True)
    verdict: Mapped[str | None]  # "accept", "reject"
    unseen: Mapped[str | None]
    starred: Mapped[bool]


class Twins(Base):
    """Two candidates of different sources that look alike, `left_id` < `right_id`, both leaders when they were found,
    and how far apart they are in the terms of `similarity.distances.Thresholds`."""

    __tablename__ = "twins"

    left_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), primary_key=True)
    right_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), primary_key=True)
    bits: Mapped[int]
    colour: Mapped[float]
    chroma: Mapped[float]
    grey: Mapped[int]


class KnownPicture(Base):
    """The fingerprint of a picture that candidates are compared with. `kind`: "source" or "earlier"; `label`: the
    source's id, or an earlier collection's name and token; `stamp`: what the picture was, so that another one under
    the same label is hashed again."""

    __tablename__ = "known_pictures"

    kind: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    stamp: Mapped[str]
    hashed_with: Mapped[str]
    hash_bits: Mapped[bytes] = mapped_column(sa.LargeBinary)
    colours: Mapped[bytes] = mapped_column(sa.LargeBinary)
    greys: Mapped[bytes] = mapped_column(sa.LargeBinary)
    side: Mapped[int]


class GroupedSource(Base):
    """What a source's candidates were when they were last grouped: while `signature` is the same, so are the groups."""

    __tablename__ = "grouped_sources"

    source_id: Mapped[str] = mapped_column(sa.ForeignKey("sources.id"), primary_key=True)
    signature: Mapped[str]


class Token(Base):
    """An accepted candidate with its number in the new collection."""

    __tablename__ = "tokens"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), unique=True)
    name: Mapped[str]
    image_sha256: Mapped[str]
    exported_at: Mapped[datetime]
    published_at: Mapped[datetime | None]  # since when its number is frozen


class Mint(Base):
    """A token that a contract was found to have minted, when it was last audited. Each contract has rows of its own,
    since a collection may be minted on a test chain, and then on the one that counts. Tokens are numbered anew by every
    export, so a mint names its token by its number alone, as its chain does."""

    __tablename__ = "mints"

    contract: Mapped[str] = mapped_column(primary_key=True)  # as CAIP-19 has it: eip155:CHAIN/erc721:0xADDRESS
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    tx: Mapped[str]  # 0x and 64 digits
    block: Mapped[int] = mapped_column(sa.BigInteger)
    marked_at: Mapped[datetime]


sources = cast(sa.Table, Source.__table__)
skipped_sources = cast(sa.Table, SkippedSource.__table__)
recipes = cast(sa.Table, StoredRecipe.__table__)
candidates = cast(sa.Table, Candidate.__table__)
decisions = cast(sa.Table, Decision.__table__)
tokens = cast(sa.Table, Token.__table__)
mints = cast(sa.Table, Mint.__table__)
twins = cast(sa.Table, Twins.__table__)
known_pictures = cast(sa.Table, KnownPicture.__table__)
grouped_sources = cast(sa.Table, GroupedSource.__table__)
work = cast(sa.Table, Work.__table__)
fingerprints = cast(sa.Table, Fingerprint.__table__)
tagged = cast(sa.Table, Tagged.__table__)
opinions = cast(sa.Table, Opinion.__table__)
