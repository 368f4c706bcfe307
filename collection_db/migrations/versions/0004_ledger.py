"""Decisions become the ledger of all that curators say, choices of leaders among it; candidates carry what stands of
it, what their recipes say and a number; fingerprints, which are seldom read, move out of their way; what is still to be
made is a table of its own, from which workers draw."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ACTIONS = ["accept", "reject", "undecide", "star", "unstar", "tag", "untag", "note", "rename", "lead", "unlead", "undo"]
FINGERPRINT = ("hash_bits", "mirror_bits", "colours", "greys", "side")
REFUSED = "decisions are only ever added"
SQLITE_TRIGGERS = [
    f"""CREATE TRIGGER decisions_no_update BEFORE UPDATE ON decisions
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    f"""CREATE TRIGGER decisions_no_delete BEFORE DELETE ON decisions
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
    # INSERT OR REPLACE deletes the old row without asking the trigger above
    f"""CREATE TRIGGER decisions_no_replace BEFORE INSERT ON decisions
       WHEN EXISTS (SELECT 1 FROM decisions WHERE number = NEW.number)
       BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",
]
POSTGRESQL_TRIGGER = """CREATE TRIGGER decisions_only_added BEFORE UPDATE OR DELETE OR TRUNCATE ON decisions
       FOR EACH STATEMENT EXECUTE FUNCTION toadworks_only_added()"""

OF_DECISIONS = "number, candidate_id, action, value, curator, note, settles, undoes, request, decided_at"
LAST = """(SELECT {what} FROM decisions d WHERE d.candidate_id = candidates.id
          AND d.action IN ('accept', 'reject', 'undecide') ORDER BY d.number DESC LIMIT 1)"""
STANDING = [
    "UPDATE candidates SET entries = (SELECT count(*) FROM decisions d WHERE d.candidate_id = candidates.id)",
    f"""UPDATE candidates SET judged = true, curator = {LAST.format(what="curator")},
        decided_at = {LAST.format(what="decided_at")},
        verdict = {LAST.format(what="CASE action WHEN 'undecide' THEN 'undecided' ELSE action END")},
        note = coalesce((SELECT d.note FROM decisions d WHERE d.candidate_id = candidates.id
            AND d.action IN ('accept', 'reject', 'undecide') AND d.note <> '' ORDER BY d.number DESC LIMIT 1), '')
        WHERE EXISTS (SELECT 1 FROM decisions d WHERE d.candidate_id = candidates.id
            AND d.action IN ('accept', 'reject', 'undecide'))""",
    """UPDATE candidates SET accepted_at = (SELECT min(d.decided_at) FROM decisions d
            WHERE d.candidate_id = candidates.id AND d.action = 'accept' AND d.number > coalesce((
                SELECT max(o.number) FROM decisions o WHERE o.candidate_id = candidates.id
                AND o.action IN ('reject', 'undecide')), 0))
        WHERE verdict = 'accept'""",
    # two curators whose own last words are an acceptance and a rejection
    """UPDATE candidates SET disagreed = true WHERE judged AND 2 = (
        SELECT count(DISTINCT d.action) FROM decisions d
        WHERE d.candidate_id = candidates.id AND d.curator <> 'auto' AND d.action IN ('accept', 'reject')
        AND d.number = (SELECT max(o.number) FROM decisions o WHERE o.candidate_id = d.candidate_id
            AND o.curator = d.curator AND o.action IN ('accept', 'reject', 'undecide')))""",
    """UPDATE candidates SET chosen = (SELECT CASE d.action WHEN 'lead' THEN d.number END FROM decisions d
            WHERE d.candidate_id = candidates.id AND d.action IN ('lead', 'unlead') ORDER BY d.number DESC LIMIT 1)
        WHERE entries > 0""",
]
FROM_RECIPES = """UPDATE candidates SET {columns}, shown = entries > 0 OR
    (SELECT r.planned FROM recipes r WHERE r.id = candidates.id)""".format(
    columns=", ".join(
        f"{name} = (SELECT r.{name} FROM recipes r WHERE r.id = candidates.id)"
        for name in ("source_id", "style", "guidance_scale", "insertion_step", "position")
    )
)
# in order of making; `number` is narrow, so it ends the indexes of sorted views
NUMBERS = """UPDATE candidates SET number = (SELECT n.number FROM numbered n WHERE n.id = candidates.id)"""
SORTS = ("position", "score", "decided_at")
VIEWS = [
    *((sort,) for sort in SORTS),
    *(("verdict", sort) for sort in SORTS),
    ("style", "position"),
    ("style", "score"),
    ("source_id", "position"),
    ("leader_id",),
]


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    _make_ledger(moment)
    _widen_candidates(moment)
    _move_fingerprints()
    op.create_table(
        "tagged",
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tag", "candidate_id", name="pk_tagged"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_tagged_candidate_id"),
    )
    op.create_index("ix_tagged_candidate_id", "tagged", ["candidate_id"])
    op.create_table(
        "work",
        sa.Column("recipe_id", sa.Text(), nullable=False),
        sa.Column("steps", sa.Integer(), nullable=False),
        sa.Column("insertion_step", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("recipe_id", name="pk_work"),
        sa.ForeignKeyConstraint(["recipe_id"], ["recipes.id"], name="fk_work_recipe_id"),
    )
    op.execute(
        """INSERT INTO work (recipe_id, steps, insertion_step, position)
        SELECT r.id, r.steps, r.insertion_step, r.position FROM recipes r
        WHERE r.planned AND NOT EXISTS (SELECT 1 FROM candidates c WHERE c.id = r.id)"""
    )
    op.create_index("ix_work_order", "work", ["steps", "insertion_step", "position", "recipe_id"])
    op.create_index("ix_work_claim", "work", ["claim"])
    op.drop_index("ix_recipes_planned_steps_insertion_step_position", "recipes")
    # what the counts need: the few that are switched off
    off = sa.text("NOT planned")
    op.create_index("ix_recipes_off", "recipes", ["position"], sqlite_where=off, postgresql_where=off)
    for statement in SQLITE_TRIGGERS if on_sqlite else [POSTGRESQL_TRIGGER]:
        op.execute(statement)


def _make_ledger(moment: sa.DateTime) -> None:
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute("ALTER TABLE decisions RENAME TO old_decisions")
    op.execute("DROP INDEX ix_decisions_candidate_id_number")
    if not on_sqlite:  # names of constraints are the schema's, not the table's
        op.execute("ALTER TABLE old_decisions RENAME CONSTRAINT pk_decisions TO pk_old_decisions")
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
        sa.Column("decided_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_decisions"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_decisions_candidate_id"),
        sa.CheckConstraint(f"action IN ({', '.join(map(repr, ACTIONS))})", name=op.f("ck_decisions_action")),
    )
    op.execute(
        f"""INSERT INTO decisions ({OF_DECISIONS})
        SELECT number, candidate_id, verdict, '', curator, note, false, NULL, '', decided_at FROM old_decisions"""
    )
    # after them: whether a candidate is accepted and whether it was chosen do not depend on each other's order
    op.execute(
        f"""INSERT INTO decisions ({OF_DECISIONS})
        SELECT number + (SELECT coalesce(max(number), 0) FROM old_decisions), candidate_id,
            CASE WHEN leads THEN 'lead' ELSE 'unlead' END, '', curator, note, false, NULL, '', chosen_at
        FROM leader_choices"""
    )
    op.drop_table("leader_choices")
    op.drop_table("old_decisions")
    if not on_sqlite:
        op.execute("DROP FUNCTION toadworks_only_added_choices()")
    op.create_index("ix_decisions_candidate_id_number", "decisions", ["candidate_id", "number"])
    op.create_index("ix_decisions_curator_number", "decisions", ["curator", "number"])
    op.create_index("ix_decisions_request", "decisions", ["request"])


def _widen_candidates(moment: sa.DateTime) -> None:
    """Copies of what the recipe says, and what stands of the ledger; filled in for the rows that are there."""
    text, nothing = sa.Text(), sa.text("''")
    for column in (
        sa.Column("number", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("source_id", text, nullable=False, server_default=nothing),
        sa.Column("style", text, nullable=False, server_default=nothing),
        sa.Column("guidance_scale", sa.Double(), nullable=False, server_default=sa.text("0")),
        sa.Column("insertion_step", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("position", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("shown", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("worker", text, nullable=False, server_default=nothing),
        sa.Column("freed_at", moment, nullable=True),
        sa.Column("verdict", text, nullable=False, server_default=sa.text("'undecided'")),
        sa.Column("curator", text, nullable=True),
        sa.Column("decided_at", moment, nullable=True),
        sa.Column("accepted_at", moment, nullable=True),
        sa.Column("note", text, nullable=False, server_default=nothing),
        sa.Column("name", text, nullable=False, server_default=nothing),
        sa.Column("disagreed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("stars", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("chosen", sa.Integer(), nullable=True),
        sa.Column("entries", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("judged", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("candidates", column)
    op.execute(
        """CREATE TEMPORARY TABLE numbered AS
        SELECT id, row_number() OVER (ORDER BY made_at, id) AS number FROM candidates"""
    )
    op.execute("CREATE INDEX numbered_id ON numbered (id)")
    for statement in (NUMBERS, *STANDING, FROM_RECIPES, "DROP TABLE numbered"):
        op.execute(statement)
    op.create_index("uq_candidates_number", "candidates", ["number"], unique=True)
    op.drop_index("ix_candidates_leader_id", "candidates")
    for columns in VIEWS:
        _index("_".join(columns), [*columns, "number"], "shown")
    for sort in ("position", "score"):
        _index(f"leads_{sort}", ["verdict", sort, "number"], "shown AND leader_id = id")
    for name, condition in (
        ("disagreed", "shown AND disagreed"),
        ("starred", "shown AND stars > 0"),
        ("hidden", "NOT shown"),
        ("flat", "shown AND flat"),
        ("unchanged", "shown AND unchanged"),
        ("copies", "shown AND copy_of IS NOT NULL"),
        ("earlier", "shown AND earlier IS NOT NULL"),
        ("twins", "shown AND twin_id IS NOT NULL"),
        ("freed", "freed_at IS NOT NULL"),
    ):
        _index(name, ["position", "number"], condition)


def _index(name: str, columns: list[str], condition: str) -> None:
    """What has no value comes last when the largest come first, on both engines."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    may_lack = () if on_sqlite else ("score", "decided_at")
    ordered = [sa.text(f"{column} NULLS FIRST") if column in may_lack else column for column in columns]
    where = sa.text(condition)
    op.create_index(f"ix_candidates_{name}", "candidates", ordered, sqlite_where=where, postgresql_where=where)


def _move_fingerprints() -> None:
    op.create_table(
        "fingerprints",
        sa.Column("candidate_id", sa.Text(), nullable=False),
        sa.Column("hash_bits", sa.LargeBinary(), nullable=False),
        sa.Column("mirror_bits", sa.LargeBinary(), nullable=True),
        sa.Column("colours", sa.LargeBinary(), nullable=False),
        sa.Column("greys", sa.LargeBinary(), nullable=False),
        sa.Column("side", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("candidate_id", name="pk_fingerprints"),
        sa.ForeignKeyConstraint(["candidate_id"], ["candidates.id"], name="fk_fingerprints_candidate_id"),
    )
    names = ", ".join(FINGERPRINT)
    op.execute(
        f"""INSERT INTO fingerprints (candidate_id, {names}) SELECT id, {names} FROM candidates
        WHERE hashed_with IS NOT NULL AND hash_bits IS NOT NULL AND colours IS NOT NULL AND greys IS NOT NULL
        AND side IS NOT NULL"""
    )
    op.execute(
        """UPDATE candidates SET hashed_with = NULL
        WHERE NOT EXISTS (SELECT 1 FROM fingerprints f WHERE f.candidate_id = candidates.id)"""
    )
    for name in FINGERPRINT:
        op.execute(f"ALTER TABLE candidates DROP COLUMN {name}")


def downgrade() -> None:
    raise NotImplementedError("the curation table only goes forward: restore a copy instead")
