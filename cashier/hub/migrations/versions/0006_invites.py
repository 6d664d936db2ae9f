"""Invitations to enrol a till by a short code, of which only a keyed hash is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "invites",
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("made_at", sa.String(24), nullable=False),
        sa.Column("expires_at", sa.String(24), nullable=False),
        sa.Column("redeemed_at", sa.String(24), nullable=True),
        sa.Column("nonce_hash", sa.String(64), nullable=True),
        sa.Column("generation", sa.Integer, nullable=True),
        sa.Index("ix_invites_till", "site", "till"),
    )
