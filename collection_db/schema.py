"""The curation table's schema, the same on SQLite and PostgreSQL. `migrations/` brings a database to it; a
test holds the two equal, so a change here needs a migration beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERDICTS = ("accept", "reject", "undecide")
FINGERPRINT = ("hash_bits", "mirror_bits", "colours", "greys", "side")  # large columns of candidates, seldom wanted


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
        # what `missing` walks: the planned ones in the order in which they are made
        sa.Index(None, "planned", "steps", "insertion_step", "position"),
        sa.Index(None, "source_id"),
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


class Candidate(Base):
    """The image that a recipe gave. Its id is the recipe's."""

    __tablename__ = "candidates"
    __table_args__ = (sa.Index(None, "leader_id"),)

    id: Mapped[str] = mapped_column(sa.ForeignKey("recipes.id"), primary_key=True)
    image_sha256: Mapped[str]
    seconds: Mapped[float]
    made_with: Mapped[Any] = mapped_column(sa.JSON)
    clip_score: Mapped[float | None]  # cosine of image and prompt
    # where the recipe draws several base images: {"scorer": name, "scores": of all of them, "kept": which one this is}
    samples: Mapped[Any | None] = mapped_column(sa.JSON(none_as_null=True))
    # the fingerprint (`similarity.prints.Prints`), and by which algorithm, size and version it was made
    hashed_with: Mapped[str | None]
    hash_bits: Mapped[bytes | None] = mapped_column(sa.LargeBinary)
    mirror_bits: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # of the mirror image, where that is asked for
    colours: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # float32, 8x8x3
    greys: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # uint8, 16x16
    side: Mapped[int | None]  # the shorter one, in pixels, 64 at most
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
    made_at: Mapped[datetime]


class Decision(Base):
    """What a curator said of a candidate. Triggers (see the migrations) refuse UPDATE and DELETE."""

    __tablename__ = "decisions"
    __table_args__ = (
        # a candidate's standing verdict is that of its highest number
        sa.Index(None, "candidate_id", "number"),
        sa.CheckConstraint("verdict IN ('accept', 'reject', 'undecide')", name="verdict"),
        {"sqlite_autoincrement": True},
    )

    number: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"))
    verdict: Mapped[str]
    curator: Mapped[str]
    note: Mapped[str]
    decided_at: Mapped[datetime]


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


class LeaderChoice(Base):
    """A curator's choice that a candidate leads its group, or does no longer. Triggers refuse UPDATE and DELETE."""

    __tablename__ = "leader_choices"
    __table_args__ = (sa.Index(None, "candidate_id", "number"), {"sqlite_autoincrement": True})

    number: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"))
    leads: Mapped[bool]
    curator: Mapped[str]
    note: Mapped[str]
    chosen_at: Mapped[datetime]


class Token(Base):
    """An accepted candidate with its number in the new collection."""

    __tablename__ = "tokens"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    candidate_id: Mapped[str] = mapped_column(sa.ForeignKey("candidates.id"), unique=True)
    name: Mapped[str]
    image_sha256: Mapped[str]
    exported_at: Mapped[datetime]


sources = cast(sa.Table, Source.__table__)
skipped_sources = cast(sa.Table, SkippedSource.__table__)
recipes = cast(sa.Table, StoredRecipe.__table__)
candidates = cast(sa.Table, Candidate.__table__)
decisions = cast(sa.Table, Decision.__table__)
tokens = cast(sa.Table, Token.__table__)
twins = cast(sa.Table, Twins.__table__)
known_pictures = cast(sa.Table, KnownPicture.__table__)
grouped_sources = cast(sa.Table, GroupedSource.__table__)
leader_choices = cast(sa.Table, LeaderChoice.__table__)
