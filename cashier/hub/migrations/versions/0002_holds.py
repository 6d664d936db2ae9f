"""Announced payments, the holds on their invoices, the quarantine, and the end of a replaced key."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.add_column("tills", sa.Column("valid_until", sa.String(24), nullable=True))
    op.create_index("ix_postbacks_received", "postbacks", ["site", "received_at"])
    op.create_table(
        "payments",
        sa.Column("site", sa.String(32), primary_key=True),
        sa.Column("till", sa.String(32), primary_key=True),
        sa.Column("reference", sa.String(120), primary_key=True),
        sa.Column("biller", sa.String(32), nullable=False),
        sa.Column("amount_cents", sa.BigInteger, nullable=False),
        sa.Column("invoices", sa.Text, nullable=False),
        sa.Column("portal_url", sa.Text, nullable=True),
        sa.Column("portal_reference", sa.Text, nullable=True),
        sa.Column("announced_at", sa.String(24), nullable=False),
        sa.Column("settled_at", sa.String(24), nullable=True),
        sa.Column("outcome", sa.String(16), nullable=True),
        sa.Column("released_at", sa.String(24), nullable=True),
        sa.Column("release_reason", sa.Text, nullable=True),
    )
    op.create_table(
        "holds",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("biller", sa.String(32), nullable=False),
        sa.Column("invoice_key", sa.String(300), nullable=False),
        sa.Column("invoice", sa.String(100), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("reference", sa.String(120), nullable=False),
        sa.Column("since", sa.String(24), nullable=False),
        sa.Column("ended_at", sa.String(24), nullable=True),
        sa.ForeignKeyConstraint(
            ["site", "till", "reference"],
            ["payments.site", "payments.till", "payments.reference"],
            name="fk_holds_payments",
        ),
    )
    op.create_index(
        "ux_holds_live",
        "holds",
        ["site", "biller", "invoice_key"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_holds_payment", "holds", ["site", "till", "reference"])
    op.create_table(
        "quarantine",
        sa.Column("seq", number, primary_key=True, autoincrement=True),
        sa.Column("id", sa.String(36), nullable=False, unique=True),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("till", sa.String(32), nullable=False),
        sa.Column("postback_id", sa.String(36), nullable=True, unique=True),
        sa.Column("received_at", sa.String(24), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
        sa.Column("invoice", sa.Text, nullable=False),
        sa.Column("amount", sa.Text, nullable=False),
        sa.Column("query", sa.LargeBinary, nullable=True),
        sa.Column("body", sa.LargeBinary, nullable=True),
        sa.Column("digest", sa.String(64), nullable=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("closed_at", sa.String(24), nullable=True),
        sa.Column("close_reason", sa.Text, nullable=True),
        sa.ForeignKeyConstraint(["postback_id"], ["postbacks.id"], name="fk_quarantine_postbacks"),
    )
    op.create_index("ix_quarantine_open", "quarantine", ["site", "closed_at", "seq"])
    op.create_index(
        "ux_quarantine_open_digest",
        "quarantine",
        ["digest"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
