"""Scores of candidates: CLIP's of the finished image, and those of every base image that was drawn for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("candidates", sa.Column("clip_score", sa.Double(), nullable=True))
    op.add_column("candidates", sa.Column("samples", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the curation table only goes forward: restore a copy instead")
