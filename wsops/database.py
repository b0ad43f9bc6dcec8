"""The journal's file: a SQLite database that only its owner reads, and that is durable.

WAL, `synchronous=FULL` (an intent must be on the disk before its request leaves) and
`BEGIN IMMEDIATE`; refused where locks cannot be trusted.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, overload
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError

from wsops.errors import JournalError
from wsops.redact import scrub
from wsops.schema import SCHEMA, SINCE_2, meta, metadata

_NETWORK_FILE_SYSTEMS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "vboxsf", "fuse.sshfs", "afs", "ncpfs", "ceph"}
)
PATIENCE = 30.0
"""Seconds to wait for a journal that somebody else has locked, a backup for one."""

_CONNECTING = 5.0  # seconds
_READ, _WRITTEN = "read", "written"
_READ_AS_WELL = frozenset({str(SCHEMA), "1"})
_FIRST = set(metadata.tables) - SINCE_2  # what every journal has
_BROKEN = (SQLAlchemyError, ValueError, TypeError)  # the last two: a damaged value of a row


class Database:
    """Reads and writes rows; every error of the database becomes a `JournalError`.

    A broken constraint stays an `IntegrityError`: the caller knows what it means.
    """

    def __init__(self, engine: sa.Engine, place: str) -> None:
        self._engine = engine
        self.place = place

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a transaction that is durable when the block ends."""
        try:
            with self._engine.execution_options(writing=True).begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except _BROKEN as error:
            raise _cannot(_WRITTEN, self.place, error) from None

    def all(self, query: sa.Select[Any]) -> list[dict[str, Any]]:
        """Give all rows of a query."""
        try:
            with self._engine.connect() as connection:
                return [dict(row) for row in connection.execute(query).mappings()]
        except _BROKEN as error:
            raise _cannot(_READ, self.place, error) from None

    def has(self, table: sa.Table) -> bool:
        """Tell whether it has a table: one of an older schema that was only read lacks some."""
        try:
            return sa.inspect(self._engine).has_table(table.name)
        except _BROKEN as error:
            raise _cannot(_READ, self.place, error) from None

    def one(self, query: sa.Select[Any]) -> dict[str, Any] | None:
        """Give the first row of a query, None without one."""
        return next(iter(self.all(query)), None)


@overload
def open_database(place: str) -> Database: ...
@overload
def open_database(place: str, *, make: bool) -> Database | None: ...
def open_database(place: str, *, make: bool = True) -> Database | None:
    """Open the file at a path or sqlite URL; without `make` None where there is none.

    Raises:
        JournalError: it is on a network file system, foreign, damaged or of another schema.
    """
    path = _path_of(place)
    if not path.exists() and not make:
        return None
    refuse_network_file_system(path)
    if path.exists():
        _refuse_foreign(path)
    if make:
        _make_private(path)
    url = sa.URL.create("sqlite", database=str(path))
    engine = sa.create_engine(url, connect_args={"timeout": _CONNECTING})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    database = Database(engine, str(path))
    if make:
        _make_tables(database)
    return database


def refuse_network_file_system(path: Path, mounts: str | None = None) -> None:
    """Refuse a place whose locks cannot be trusted.

    Args:
        path: the file.
        mounts: the table of mounts; this host's own where it is not given.

    Raises:
        JournalError: it is on a network file system; names a local path that would do.
    """
    kind = _file_system(str(path.resolve()), _mounts() if mounts is None else mounts)
    if kind in _NETWORK_FILE_SYSTEMS:
        msg = f"the journal {path} is on a network file system ({kind}), whose locks do not hold"
        local = f"/var/tmp/wsops-{os.getuid()}/journal.sqlite"  # noqa: S108  (0700 when made)
        raise JournalError(msg, remedy=f"set WSOPS_JOURNAL={local}")


def _mounts() -> str:
    try:
        return Path("/proc/self/mounts").read_text(encoding="utf-8")
    except OSError:
        return ""


def _file_system(here: str, mounts: str) -> str:
    """Give the kind of file system of the longest mount point that holds a path."""
    best, kind = "", ""
    for line in mounts.splitlines():
        _, _, rest = line.partition(" ")
        point, _, rest = rest.partition(" ")
        point = point.replace("\\040", " ")
        inside = here == point or here.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best, kind = point, rest.partition(" ")[0]
    return kind


def _refuse_foreign(path: Path) -> None:
    """Refuse a file of anyone else before anything of it is touched.

    Raises:
        JournalError: it is not ours, or of another schema, or cannot be read.
    """
    names = "SELECT name FROM sqlite_master WHERE type = 'table'"
    try:
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, timeout=_CONNECTING)) as connection:
            tables = {name for (name,) in connection.execute(names)}
            ours = tables >= _FIRST
            said = "SELECT value FROM meta WHERE key = 'schema'"
            found = connection.execute(said).fetchone() if ours else None
    except (sqlite3.Error, ValueError) as error:  # the latter: a damaged name or value
        raise _cannot(_READ, str(path), error) from None
    if tables and (found is None or found[0] not in _READ_AS_WELL):
        says = f"schema {found[0]}" if found else "no schema of wsops"
        msg = f"{path} has {says}; this version writes schema {SCHEMA}"
        raise JournalError(msg, remedy="give another file by WSOPS_JOURNAL; this one is kept")


def _make_tables(database: Database) -> None:
    """Make the tables that are not there; two processes that open a new journal make them once."""
    try:
        with database.writing() as connection:
            if not set(sa.inspect(connection).get_table_names()) >= set(metadata.tables):
                metadata.create_all(connection)
                connection.execute(sa.delete(meta).where(meta.c.key == "schema"))
                connection.execute(sa.insert(meta).values(key="schema", value=str(SCHEMA)))
    except BaseException:
        database.close()
        raise


def _path_of(place: str) -> Path:
    if place.startswith("sqlite:///"):
        return Path(place.removeprefix("sqlite:///"))
    if "://" in place:
        msg = f"the journal {place.split('://', 1)[0]}://… is not SQLite"
        raise JournalError(msg, remedy="set WSOPS_JOURNAL to a path or a sqlite:/// URL")
    return Path(place).expanduser()


def _make_private(path: Path) -> None:
    """Create the folder 0700 and the file 0600, whatever the umask says."""
    try:
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700, parents=True)
            path.parent.chmod(0o700)
        if not path.exists():
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            os.fchmod(descriptor, 0o600)
            os.close(descriptor)
    except FileExistsError:
        pass  # another process was faster; it made the file private as well
    except OSError as error:
        msg = f"the journal {path} cannot be opened: {error.strerror}"
        raise JournalError(msg) from None


def _prepare(connection: Any, _: object) -> None:  # noqa: ANN401
    # The driver must not begin transactions by itself: we want BEGIN IMMEDIATE.
    connection.isolation_level = None
    # SQLite waits in short turns, between which Ctrl-C is heard; `_begin` has the patience.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=200",
    ):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    _patiently(connection, "BEGIN IMMEDIATE" if writing else "BEGIN")
    if not writing:  # it is the first look that takes the lock of a reader
        _patiently(connection, "SELECT 1 FROM sqlite_master LIMIT 1")


def _patiently(connection: sa.Connection, statement: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            connection.exec_driver_sql(statement)
        except OperationalError as error:
            if not _is_busy(error) or time.monotonic() >= end:
                raise
        else:
            return


def _is_busy(error: OperationalError) -> bool:
    # The low byte: another process may be mending the log after a kill (SQLITE_BUSY_RECOVERY).
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _cannot(done: str, place: str, error: Exception) -> JournalError:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    text = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    return JournalError(f"the journal {place} cannot be {done}: {scrub(text)}")
