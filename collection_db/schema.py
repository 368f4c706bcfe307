"""The curation table's schema, the same on SQLite and PostgreSQL. `migrations/` brings a database to it; a
test holds the two equal, so a change here needs a migration beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

VERDICTS = ("accept", "reject", "undecide")


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
    phash: Mapped[bytes | None] = mapped_column(sa.LargeBinary(32))
    colours: Mapped[bytes | None] = mapped_column(sa.LargeBinary)  # float32, 8x8x3
    structure: Mapped[float | None]  # edge correlation with the source
    score: Mapped[float | None]
    near_source: Mapped[bool | None]
    leader_id: Mapped[str | None]  # who leads its look-alike group; itself if it leads
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
