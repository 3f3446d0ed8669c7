"""The first shape of the tables."""
import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _big() -> sa.types.TypeEngine:  # type: ignore[type-arg]
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _texts(*names: str) -> list[sa.Column]:  # type: ignore[type-arg]
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def upgrade() -> None:
    """Make the tables."""
    dimensions = ("author_domain", "recipient_domain", "provider", "sending_ip", "campaign")
    op.create_table("streams", sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), *_texts(*dimensions), sa.UniqueConstraint(*dimensions, name="streams_once"))
    op.create_table("templates", sa.Column("id", sa.Integer, primary_key=True, autoincrement=True), *_texts("text"),
                    sa.Column("kept", sa.Integer, nullable=False, server_default="0"), sa.UniqueConstraint("text", name="templates_once"))
    op.create_table(
        "counts", sa.Column("hour", sa.BigInteger, primary_key=True, autoincrement=False), sa.Column("stream", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(16), primary_key=True), sa.Column("cause", sa.String(64), primary_key=True),
        sa.Column("template", sa.Integer, primary_key=True, autoincrement=False), sa.Column("late", sa.Boolean, primary_key=True), sa.Column("n", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table("seen", sa.Column("id", _big(), primary_key=True, autoincrement=False))
    op.create_table(
        "events", sa.Column("id", _big(), primary_key=True, autoincrement=False), sa.Column("joined", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False), sa.Column("source", sa.String(32), nullable=False), sa.Column("time", sa.Float, nullable=False),
        *_texts("recipient", "envelope_sender", "author_domain", "message_id", "queue_id", "reporting_mta", "sending_ip", "remote_mta", "remote_ip", "status"),
        sa.Column("reply_code", sa.Integer, nullable=False), *_texts("phase", "text", "native_id", "campaign"), sa.Column("sent_at", sa.Float, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False), sa.Column("trust", sa.String(16), nullable=False), sa.Column("late", sa.Boolean, nullable=False),
        sa.Column("stage", sa.String(16), nullable=False), *_texts("recipient_domain", "provider"), sa.Column("template", sa.Integer, nullable=False),
        *(sa.Column(name, sa.String(64), nullable=False) for name in ("cause", "owner", "standing", "rule")), sa.Column("suppress", sa.Boolean, nullable=False),
        *_texts("facts", "where", "recipient_key"),
    )
    op.create_index("events_time", "events", ["time"])
    op.create_index("events_recipient", "events", ["recipient_key"])
    op.create_table("joins", sa.Column("key", _big(), primary_key=True, autoincrement=False), sa.Column("event", sa.BigInteger, nullable=False))
    op.create_index("ix_joins_event", "joins", ["event"])
    op.create_table("cursors", sa.Column("key", sa.Text, primary_key=True), *_texts("value"))
    op.create_table("documents", sa.Column("kind", sa.String(32), primary_key=True), sa.Column("key", sa.Text, primary_key=True), *_texts("value"), sqlite_with_rowid=False)
