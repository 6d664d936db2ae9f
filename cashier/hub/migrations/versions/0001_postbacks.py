"""Enrolled tills and stored postbacks."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tills",
        sa.Column("site", sa.String(32), primary_key=True),
        sa.Column("till", sa.String(32), primary_key=True),
        sa.Column("generation", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("enrolled_at", sa.String(24), nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )
    op.create_table(
        "postbacks",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.String(24), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("received_at", sa.String(24), nullable=False),
        sa.Column("content_type", sa.String(100), nullable=False),
        sa.Column("query", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("scrubbed", sa.Boolean, nullable=False),
        sa.Column("acknowledged_at", sa.String(24), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "till", "generation"],
            ["tills.site", "tills.till", "tills.generation"],
            name="fk_postbacks_tills",
        ),
    )
    op.create_index("ix_postbacks_pending", "postbacks", ["site", "till", "acknowledged_at", "seq"])
