"""The tables.  Times are seconds since 1970 UTC; `hour` is the second an hour begins."""
from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text, UniqueConstraint

tables = MetaData()

# Whom a mail went to and how: one row for each combination, so that counters stay small.
streams = Table(
    "streams", tables,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("author_domain", Text, nullable=False), Column("recipient_domain", Text, nullable=False), Column("provider", Text, nullable=False),
    Column("sending_ip", Text, nullable=False), Column("campaign", Text, nullable=False),
    UniqueConstraint("author_domain", "recipient_domain", "provider", "sending_ip", "campaign", name="streams_once"),
)

# Words in general; `kept` counts the events that keep their own words beside them.
templates = Table(
    "templates", tables,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("text", Text, nullable=False), Column("kept", Integer, nullable=False, server_default="0"),
    UniqueConstraint("text", name="templates_once"),
)

counts = Table(
    "counts", tables,
    Column("hour", BigInteger, primary_key=True, autoincrement=False), Column("stream", Integer, primary_key=True, autoincrement=False),
    Column("kind", String(16), primary_key=True), Column("cause", String(64), primary_key=True), Column("template", Integer, primary_key=True, autoincrement=False),
    Column("late", Boolean, primary_key=True), Column("n", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The identity of everything that was counted.
seen = Table("seen", tables, Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False))

# Everything that is no delivery.  `joined` is the event it is another report of, 0 for none.
events = Table(
    "events", tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("joined", BigInteger, nullable=False), Column("kind", String(16), nullable=False), Column("source", String(32), nullable=False), Column("time", Float, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("recipient", "envelope_sender", "author_domain", "message_id", "queue_id", "reporting_mta", "sending_ip", "remote_mta",
                                                      "remote_ip", "status")),
    Column("reply_code", Integer, nullable=False),
    *(Column(name, Text, nullable=False) for name in ("phase", "text", "native_id", "campaign")),
    Column("sent_at", Float, nullable=False), Column("count", BigInteger, nullable=False), Column("trust", String(16), nullable=False), Column("late", Boolean, nullable=False),
    Column("stage", String(16), nullable=False),
    *(Column(name, Text, nullable=False) for name in ("recipient_domain", "provider")),
    Column("template", Integer, nullable=False),
    *(Column(name, String(64), nullable=False) for name in ("cause", "owner", "standing", "rule")),
    Column("suppress", Boolean, nullable=False), Column("facts", Text, nullable=False), Column("where", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),  # lower case: what addresses are looked up by
    Index("events_time", "time"), Index("events_recipient", "recipient_key"),
)

joins = Table("joins", tables, Column("key", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False), Column("event", BigInteger, nullable=False, index=True))

cursors = Table("cursors", tables, Column("key", Text, primary_key=True), Column("value", Text, nullable=False))

documents = Table(
    "documents", tables,
    Column("kind", String(32), primary_key=True), Column("key", Text, primary_key=True), Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)
