"""What stands of each person's entries gets a table of its own, for review by several who do not see each other; the
ledger takes "more" and "unmore": that more like a candidate are asked for."""

from __future__ import annotations

from itertools import groupby

import sqlalchemy as sa
from alembic import op

from collection_db.ledger import in_force, words

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = ["accept", "reject", "undecide", "star", "unstar", "tag", "untag", "note", "rename", "lead", "unlead", "undo"]
ACTIONS = [*BEFORE, "more", "unmore"]
COLUMNS = "number, candidate_id, action, value, curator, note, settles, undoes, request, decided_at"
REFUSED = "decisions are only ever added"
SQLITE_TRIGGERS = [
    f"""CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions
       WHEN EXISTS (SELECT 1 FROM decisions WHERE number = NEW.number)
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
]
AT_ONCE = 5_000  # opinions


def upgrade() -> None:
    op.add_column("candidates", sa.Column("people", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("candidates", sa.Column("more", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "opinions",
        sa.Column("curator", sa.Text(), nullable=False),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("unseen", sa.Text(), nullable=True),
        sa.Column("starred", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("curator", "candidate_id", name="pk_opinions"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_opinions_candidate_id"),
    )
    _fill_opinions()
    op.create_index("ix_opinions_candidate_id", "opinions", ["candidate_id"])
    op.execute(
        """UPDATE candidates SET people = (SELECT count(*) FROM opinions o
            WHERE o.candidate_id = candidates.id AND o.verdict IS NOT NULL)
        WHERE EXISTS (SELECT 1 FROM opinions o WHERE o.candidate_id = candidates.id AND o.verdict IS NOT NULL)"""
    )
    for name, condition in (("several", "shown AND people > 1"), ("more", "shown AND more")):
        where = sa.text(condition)
        op.create_index(
            f"ix_candidates_{name}", "candidates", ["position", "number"], sqlite_where=where, postgresql_where=where
        )
    if op.get_bind().dialect.name == "sqlite":
        _remake_ledger()
    else:
        op.drop_constraint(op.f("ck_decisions_action"), "decisions")
        op.create_check_constraint(op.f("ck_decisions_action"), "decisions", _is_action())
    settles = sa.text("settles")
    op.create_index(
        "ix_decisions_settles", "decisions", ["candidate_id"], sqlite_where=settles, postgresql_where=settles
    )


def _fill_opinions() -> None:
    connection = op.get_bind()
    entries = sa.text(
        "SELECT number, candidate_id, action, curator, settles, undoes FROM decisions ORDER BY candidate_id, number"
    )
    opinions = sa.table("opinions", *map(sa.column, ("curator", "candidate_id", "verdict", "unseen", "starred")))
    new: list[dict[str, object]] = []
    for id, said in groupby(connection.execute(entries).all(), key=lambda entry: entry.candidate_id):
        new += [word._asdict() | {"candidate_id": id} for word in words(in_force(list(said))) if word.curator != "auto"]
        if len(new) > AT_ONCE:
            connection.execute(sa.insert(opinions), new)
            new.clear()
    if new:
        connection.execute(sa.insert(opinions), new)


def _remake_ledger() -> None:
    """SQLite cannot change a constraint of a table: its rows move to a new one."""
    op.execute("ALTER TABLE decisions RENAME TO old_decisions")
    for name in ("candidate_id_number", "curator_number", "request"):
        op.execute(f"DROP INDEX ix_decisions_{name}")
    op.create_table(
        "decisions",
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("curator", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("settles", sa.Boolean(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_decisions"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_decisions_candidate_id"),
        sa.CheckConstraint(_is_action(), name=op.f("ck_decisions_action")),
    )
    op.execute(f"INSERT INTO decisions ({COLUMNS}) SELECT {COLUMNS} FROM old_decisions ORDER BY number")
    op.drop_table("old_decisions")  # and its triggers
    for name, columns in (
        ("candidate_id_number", ["candidate_id", "number"]),
        ("curator_number", ["curator", "number"]),
        ("request", ["request"]),
    ):
        op.create_index(f"ix_decisions_{name}", "decisions", columns)
    for statement in SQLITE_TRIGGERS:
        op.execute(statement)


def _is_action() -> str:
    return f"action IN ({', '.join(map(repr, ACTIONS))})"


def downgrade() -> None:
    raise NotImplementedError("the curation table only goes forward: restore a copy instead")
