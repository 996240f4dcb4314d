"""Classification of database errors as transient or permanent: by SQLSTATE, number or result code.

Add a code here when a retry can help against it. Every other error is permanent: a password, a missing right,
a missing table, a wrong statement.
"""

import re
from sqlite3 import SQLITE_BUSY, SQLITE_INTERRUPT, SQLITE_IOERR, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_SCHEMA

from adbc_driver_manager import AdbcStatusCode

# https://www.postgresql.org/docs/current/errcodes-appendix.html; ODBC's own: HYT00, HYT01, HY008
_TRANSIENT_CLASSES = (
    "08",  # connection lost or refused
    "40",  # serialization failure, deadlock, recovery conflict
    "53",  # too many connections, out of memory
    "57",  # statement canceled or timed out, server shutting down or starting
)
_TRANSIENT_STATES = {"55P03", "55006", "72000", "25P03", "HYT00", "HYT01", "HY008"}
_PERMANENT_STATES = {"57P04"}  # the database was dropped
_REFUSED_STATES = {"28P01", "28000"}

# https://mariadb.com/kb/en/mariadb-error-codes/
_MYSQL_TRANSIENT = {
    *(1040, 1203, 1226),  # too many connections
    *(1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1184),  # shutting down, network
    *(1205, 1213, 1020, 1637),  # lock wait, deadlock, changed since the snapshot
    *(1317, 1927, 1969, 3024),  # query or connection killed, statement timed out
    *(2002, 2003, 2005, 2006, 2012, 2013, 2014, 2026, 2055),  # the client's: not reachable, gone, lost
}
_MYSQL_REFUSED = {1045, 1698}

# https://learn.microsoft.com/sql/relational-databases/errors-events/database-engine-events-and-errors
_SQL_SERVER_TRANSIENT = {
    *(-2, 20, 64, 121, 233, 1205, 1222, 3960, 10053, 10054, 10060, 10928, 10929, 17142, 17197),
    *(40197, 40501, 40613, 41301, 41302, 49918, 49919, 49920),
}
_SQL_SERVER_REFUSED = {18452, 18456, 18486}

_SQLITE_TRANSIENT = {
    *(SQLITE_BUSY, SQLITE_LOCKED, SQLITE_INTERRUPT, SQLITE_IOERR, SQLITE_PROTOCOL, SQLITE_SCHEMA)
}
# ADBC reports no result code of SQLite, only sqlite3_errstr's texts for these codes, which are fixed.
_SQLITE_TEXTS = re.compile(
    r"database (table )?is locked|interrupted|disk I/O error|locking protocol|schema has changed"
)
# libpq reports no SQLSTATE for a connection that the server refuses, only the server's text.
_LIBPQ_REFUSED = re.compile(r"password authentication failed|no password supplied|no pg_hba\.conf entry")
_LIBPQ_PERMANENT = re.compile(
    r'(database|role) ".*" does not exist|is not permitted to log in|permission denied for database'
)
_NATIVE_NUMBER = re.compile(r"\((-?\d+)\) \(SQL")


def is_refused(backend: str, error: BaseException) -> bool:
    """Return whether the server of *backend* (a SQLAlchemy name) refused the user or the password."""
    state, number = _sqlstate_of(error), _error_number(error)
    return (
        state in _REFUSED_STATES
        or (backend in {"mysql", "mariadb"} and number in _MYSQL_REFUSED)
        or (backend == "mssql" and number in _SQL_SERVER_REFUSED)
        or (backend == "postgresql" and state is None and _LIBPQ_REFUSED.search(str(error)) is not None)
    )


def is_transient(backend: str, error: BaseException) -> bool:
    """Return whether a retry can help against *error* of a server of *backend* (a SQLAlchemy name)."""
    if is_refused(backend, error):
        return False
    state, number = _sqlstate_of(error), _error_number(error)
    match backend:
        case "mysql" | "mariadb":
            return number in _MYSQL_TRANSIENT
        case "sqlite":
            code = getattr(error, "sqlite_errorcode", None)
            return (code & 0xFF) in _SQLITE_TRANSIENT if code else bool(_SQLITE_TEXTS.search(str(error)))
        case "mssql" if number in _SQL_SERVER_TRANSIENT:
            return True
        case "postgresql" if state is None:
            return is_connection_lost(error) and not _LIBPQ_PERMANENT.search(str(error))
    return bool(state) and state not in _PERMANENT_STATES and _is_transient_state(state or "")


def is_connection_lost(error: BaseException) -> bool:
    """Return whether ADBC or libpq lost or never got the connection: the error has no code of the server."""
    if (status := getattr(error, "status_code", None)) is not None:
        return _sqlstate_of(error) is None and status in {AdbcStatusCode.IO, AdbcStatusCode.TIMEOUT}
    return isinstance(error, OSError) or type(error).__name__ == "OperationalError"


def _is_transient_state(state: str) -> bool:
    return state in _TRANSIENT_STATES or state.startswith(_TRANSIENT_CLASSES)


def _sqlstate_of(error: BaseException) -> str | None:
    """Return the SQLSTATE: an attribute of errors of ADBC and psycopg, the first argument of ODBC's."""
    state = getattr(error, "sqlstate", None) or next(iter(error.args), None)
    return state if isinstance(state, str) and re.fullmatch(r"[0-9A-Z]{5}", state) else None


def _error_number(error: BaseException) -> int | None:
    """Return the server's own error number: the first argument, or for ODBC the one at the text's end."""
    first = next(iter(error.args), None)
    if isinstance(first, int):
        return first
    match = _NATIVE_NUMBER.search(str(error))
    return int(match[1]) if match else None
