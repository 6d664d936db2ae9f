"""The second copies of the tills' journals, their anchors, and what disagreed with them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "journal_entries",
        sa.Column("site", sa.String(32), primary_key=True),
        sa.Column("till", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.String(24), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("brought_by", sa.String(32), nullable=False),
        sa.Column("received_at", sa.String(24), nullable=False),
        sa.Column("refused", sa.Text, nullable=True),
        sa.Column("owner", sa.Text, nullable=True),
        sa.UniqueConstraint("site", "till", "id", name="ux_journal_entries_id"),
    )
    op.create_table(
        "journal_anchors",
        sa.Column("site", sa.String(32), primary_key=True),
        sa.Column("till", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("made_at", sa.String(24), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
    )
    op.create_table(
        "journal_alarms",
        sa.Column("n", number, primary_key=True, autoincrement=True),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("told_hash", sa.String(64), nullable=False),
        sa.Column("kept_hash", sa.String(64), nullable=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("brought_by", sa.String(32), nullable=False),
        sa.Column("first_at", sa.String(24), nullable=False),
        sa.Column("last_at", sa.String(24), nullable=False),
        sa.Column("times", sa.Integer, nullable=False),
        sa.UniqueConstraint("site", "till", "seq", "told_hash", "reason", name="ux_journal_alarms"),
    )
