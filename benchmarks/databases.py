"""Chatwoot's messages and MariaDB's rows by the million, and the chunked pandas that a user would write.

databases.py chatwoot URL OUT     assignments out of the activity messages, into a Parquet file
databases.py rows URL OUT         a whole table into a Parquet file
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from benchmarks.events import DAYS, LAST_DAY
from tests.servers.mariadb import MariaDb
from tests.servers.postgres import Postgres
from tests.sources.chatwoot.account import SCHEMA

_CHUNK = 50_000
_USERS = 60
_START = datetime(LAST_DAY.year, LAST_DAY.month, LAST_DAY.day) - timedelta(DAYS - 1)  # noqa: DTZ001 - UTC, as Rails writes it
_ACTIVITIES = "SELECT id, created_at, content, conversation_id FROM messages WHERE message_type = 2"
_ASSIGNED = r"^Assigned to (?P<assignee>.*) by (?P<actor>.*)$"


def fill_chatwoot(server: Postgres, name: str, messages: int) -> str:
    """Make a database of Chatwoot with *messages*, half of them activities; return its URL."""
    server.run(f"CREATE DATABASE {name}")
    conversations, seconds = messages // 10, DAYS * 86_400
    server.run(f"""\\c {name}
        {SCHEMA}
        DELETE FROM users; DELETE FROM account_users;
        INSERT INTO users (id, name) SELECT n, 'Agent ' || n FROM generate_series(1, {_USERS}) n;
        INSERT INTO account_users (account_id, user_id) SELECT 1, n FROM generate_series(1, {_USERS}) n;
        INSERT INTO conversations (id, account_id, display_id, contact_id, created_at, updated_at)
            SELECT n, 1, n, 7, timestamp '{_START}' + n % {seconds} * interval '1 second', now()
            FROM generate_series(1, {conversations}) n;
        INSERT INTO messages (content, account_id, conversation_id, message_type, created_at)
            SELECT CASE WHEN n % 2 = 0 THEN 'Hello, number ' || n
                WHEN n % 10 = 1 THEN 'Agent ' || n % {_USERS} + 1 || ' added label-' || n % 7
                WHEN n % 10 = 3 THEN 'Conversation unassigned by Agent ' || n % {_USERS} + 1
                ELSE 'Assigned to Agent ' || n * 7 % {_USERS} + 1 || ' by Agent ' || n * 11 % {_USERS} + 1 END,
                1, n % {conversations} + 1, n % 2 * 2,
                timestamp '{_START}' + n * {seconds}.0 / {messages} * interval '1 second'
            FROM generate_series(1, {messages}) n;
        CREATE INDEX ON messages (account_id, created_at); ANALYZE; CHECKPOINT""")
    return server.url("postgres").rpartition("/")[0] + f"/{name}"


def fill_mariadb(server: MariaDb, rows: int) -> str:
    """Make the table `events` with *rows*; return its URL."""
    seconds = DAYS * 86_400
    server.run(
        "CREATE TABLE events (event_id BIGINT PRIMARY KEY, occurred_at DATETIME(6), conversation_id BIGINT, "
        "contact_id BIGINT, contact_name TEXT, previous_assignee TEXT, assignee TEXT, source TEXT, KEY (occurred_at))",
        f"INSERT INTO events SELECT seq, TIMESTAMP '{_START}' + INTERVAL seq * {seconds}.0 / {rows} SECOND, seq % 700000, "
        "seq % 900000, CONCAT('Contact ', seq % 900000), CONCAT('Agent ', seq % 60), CONCAT('Agent ', (seq + 7) % 60), "
        f"ELT(1 + seq % 3, 'User', 'Workflow', 'Developer API') FROM seq_1_to_{rows}",
    )
    return server.url("owner")


def chatwoot(url: str, out: str) -> None:
    """Read the activities in chunks, and take the sentences apart by a pattern."""
    _copy(url, _ACTIVITIES, out, lambda rows: rows.join(rows["content"].str.extract(_ASSIGNED)))


def rows(url: str, out: str) -> None:
    """Read a table in chunks."""
    _copy(
        url,
        "SELECT * FROM events",
        out,
        lambda rows: rows.assign(occurred_at=rows["occurred_at"].dt.tz_localize("UTC")),
    )


def _copy(url: str, query: str, out: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    writer: pq.ParquetWriter | None = None
    with sa.create_engine(url).connect().execution_options(stream_results=True) as connection:
        for chunk in pd.read_sql(sa.text(query), connection, chunksize=_CHUNK):
            table = pa.Table.from_pandas(change(chunk), preserve_index=False)
            writer = writer or pq.ParquetWriter(out, table.schema)
            writer.write_table(table.cast(writer.schema))
    if writer:
        writer.close()


def main() -> None:
    """Do what the arguments say."""
    began = time.perf_counter()
    {"chatwoot": chatwoot, "rows": rows}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main()
