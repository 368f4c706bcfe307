"""The first curation table: sources, recipes, candidates, decisions (only ever added), tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQLITE_TRIGGERS = [
    """CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
       BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END""",
    """CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
       BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END""",
    # INSERT OR REPLACE deletes the old row without asking the trigger above
    """CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions
       WHEN EXISTS (SELECT 1 FROM decisions WHERE number = NEW.number)
       BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END""",
]
POSTGRESQL_TRIGGERS = [
    """CREATE FUNCTION toadworks_only_added() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'decisions are only ever added'; END $$""",
    """CREATE TRIGGER decisions_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
       FOR EACH STATEMENT EXECUTE FUNCTION toadworks_only_added()""",
]


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "sources",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("pixels_sha256", sa.Text(), nullable=False),
        sa.Column("image_sha256", sa.Text(), nullable=False),
        sa.Column("mask_sha256", sa.Text(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("present", sa.Boolean(), nullable=False),
        sa.Column("added_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.UniqueConstraint("pixels_sha256", name="uq_sources_pixels_sha256"),
    )
    op.create_table(
        "skipped_sources",
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("file", name="pk_skipped_sources"),
    )
    op.create_table(
        "recipes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("style", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("guidance_scale", sa.Double(), nullable=False),
        sa.Column("insertion_step", sa.Integer(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("sampler", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("weights_sha256", sa.Text(), nullable=False),
        sa.Column("json", sa.Text(), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("added_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recipes"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_recipes_source_id"),
    )
    op.create_index(
        "ix_recipes_planned_steps_insertion_step_position",
        "recipes",
        ["planned", "steps", "insertion_step", "position"],
    )
    op.create_index("ix_recipes_source_id", "recipes", ["source_id"])
    op.create_table(
        "candidates",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("image_sha256", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("made_with", sa.JSON(), nullable=False),
        sa.Column("phash", sa.LargeBinary(32), nullable=True),
        sa.Column("colours", sa.LargeBinary(), nullable=True),
        sa.Column("structure", sa.Double(), nullable=True),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("near_source", sa.Boolean(), nullable=True),
        sa.Column("leader_id", sa.Text(), nullable=True),
        sa.Column("made_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_candidates"),
        sa.ForeignKeyConstraint(["id"], ["recipes.id"], name="fk_candidates_id"),
    )
    op.create_index("ix_candidates_leader_id", "candidates", ["leader_id"])
    op.create_table(
        "decisions",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("curator", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("decided_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_decisions"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_decisions_candidate_id"),
        sa.CheckConstraint("verdict IN ('accept', 'reject', 'undecide')", name=op.f("ck_decisions_verdict")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_candidate_id_number", "decisions", ["candidate_id", "number"])
    op.create_table(
        "tokens",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("image_sha256", sa.Text(), nullable=False),
        sa.Column("exported_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_tokens"),
        sa.UniqueConstraint("candidate_id", name="uq_tokens_candidate_id"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_tokens_candidate_id"),
    )
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the curation table only goes forward: restore a copy instead")
