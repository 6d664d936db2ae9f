"""What is to be passed on to the portals."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_postbacks_payment", "postbacks", ["site", "till", "reference"])
    op.create_table(
        "relay",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.String(260), nullable=False),
        sa.Column("portal_reference", sa.Text, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.Column("queued_at", sa.String(24), nullable=False),
        sa.Column("since_at", sa.String(24), nullable=False),
        sa.Column("next_at", sa.String(24), nullable=False),
        sa.Column("lease_until", sa.String(24), nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("state", sa.String(9), nullable=False),
        sa.Column("last_status", sa.Integer, nullable=True),
        sa.Column("last_error", sa.String(60), nullable=False),
        sa.Column("ended_at", sa.String(24), nullable=True),
        sa.UniqueConstraint("site", "till", "kind", "id", name="ux_relay_letter"),
    )
    op.create_index("ix_relay_due", "relay", ["state", "host", "next_at", "seq"])
    op.create_index("ix_relay_payment", "relay", ["site", "till", "reference", "seq"])
    op.create_index("ix_relay_id", "relay", ["id"])
