"""What a record in the journal's file is: how it is opened, found, and closed."""

from __future__ import annotations

from typing import Self

from wsops.database import Database, open_database
from wsops.errors import JournalError


class Book:
    """A record in the journal's file; closed by `close` or a `with` block.

    Raises, from every method: `JournalError` where the record cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.place = database.place

    @classmethod
    def open(cls, place: str) -> Self:
        """Open the record at a path or sqlite URL; it is made where there is none.

        Raises:
            JournalError: it is on a network file system, foreign, damaged or of another schema.
        """
        return cls(open_database(place))

    @classmethod
    def find(cls, place: str) -> Self | None:
        """Open the record at a path or sqlite URL; None where there is none, and none is made.

        Raises:
            JournalError: as for `open`.
        """
        database = open_database(place, make=False)
        return cls(database) if database is not None else None

    @classmethod
    def known(cls, place: str) -> Self:
        """Open the record at a path or sqlite URL, which must be there.

        Raises:
            JournalError: as for `open`, or there is none yet.
        """
        book = cls.find(place)
        if book is None:
            msg = f"there is no journal at {place}: nothing was applied yet"
            raise JournalError(msg, remedy="apply something first, or name it by WSOPS_JOURNAL")
        return book

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._database.close()
