"""Look-alikes: how fingerprints were made, what a candidate looks like besides its group's leader, pictures that it is
compared with, and curators' choices of leaders (only ever added)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

REFUSED = "choices of leaders are only ever added"
SQLITE_TRIGGERS = [
    f"""CREATE TRIGGER leader_choices_no_update BEFORE UPDATE ON leader_choices
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER leader_choices_no_delete BEFORE DELETE ON leader_choices
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    # INSERT OR REPLACE deletes the old row without asking the trigger above
    f"""CREATE TRIGGER leader_choices_no_replace BEFORE INSERT ON leader_choices
       WHEN EXISTS (SELECT 1 FROM leader_choices WHERE number = NEW.number)
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
]
POSTGRESQL_TRIGGERS = [
    f"""CREATE FUNCTION toadworks_only_added_choices() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION '{REFUSED}'; END $$""",
    """CREATE TRIGGER leader_choices_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON leader_choices
       FOR EACH STATEMENT EXECUTE FUNCTION toadworks_only_added_choices()""",
]


def upgrade() -> None:
    # not alter_column: on SQLite that copies the whole table
    op.execute("ALTER TABLE candidates RENAME COLUMN phash TO hash_bits")
    op.execute("ALTER TABLE candidates RENAME COLUMN near_source TO unchanged")
    for column in (
        sa.Column("hashed_with", sa.Text(), nullable=True),
        sa.Column("mirror_bits", sa.LargeBinary(), nullable=True),
        sa.Column("greys", sa.LargeBinary(), nullable=True),
        sa.Column("side", sa.Integer(), nullable=True),
        sa.Column("flat", sa.Boolean(), nullable=True),
        sa.Column("source_bits", sa.Integer(), nullable=True),
        sa.Column("copy_of", sa.Text(), nullable=True),
        sa.Column("earlier", sa.Text(), nullable=True),
        sa.Column("twin_id", sa.Text(), nullable=True),
        sa.Column("compared_as", sa.Text(), nullable=True),
        sa.Column("crossed_as", sa.Text(), nullable=True),
    ):
        op.add_column("candidates", column)
    op.create_table(
        "twins",
        sa.Column("left_id", sa.Text(), nullable=False),
        sa.Column("right_id", sa.Text(), nullable=False),
        sa.Column("bits", sa.Integer(), nullable=False),
        sa.Column("colour", sa.Double(), nullable=False),
        sa.Column("chroma", sa.Double(), nullable=False),
        sa.Column("grey", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("left_id", "right_id", name="pk_twins"),
        sa.ForeignKeyConstraint(["left_id"], ["candidates.id"], name="fk_twins_left_id"),
        sa.ForeignKeyConstraint(["right_id"], ["candidates.id"], name="fk_twins_right_id"),
    )
    op.create_table(
        "known_pictures",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Text(), nullable=False),
        sa.Column("hashed_with", sa.Text(), nullable=False),
        sa.Column("hash_bits", sa.LargeBinary(), nullable=False),
        sa.Column("colours", sa.LargeBinary(), nullable=False),
        sa.Column("greys", sa.LargeBinary(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "label", name="pk_known_pictures"),
    )
    op.create_table(
        "grouped_sources",
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("source_id", name="pk_grouped_sources"),
        sa.ForeignKeyConstraint(["source_id"], ["sources.id"], name="fk_grouped_sources_source_id"),
    )
    op.create_table(
        "leader_choices",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("curator", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_leader_choices"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_leader_choices_candidate_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_leader_choices_candidate_id_number", "leader_choices", ["candidate_id", "number"])
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("the curation table only goes forward: restore a copy instead")
