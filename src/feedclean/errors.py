"""Everything that can go wrong, as one tree.

    FeedcleanError
    ├── SourceError        the source cannot be read (missing, a folder, no permission)
    ├── FormatError        the bytes hold no document that can be cleaned (malformed, binary, empty)
    │   └── LimitError     they might, but reading them would cost too much (size, depth, entities, time)
    ├── ModelError         the model cannot be used (missing, tampered with, another feature version)
    ├── CorpusError        labelled data that cannot be used (file, line and field are named)
    ├── SettingsError      a setting or a combination of options that makes no sense
    ├── ForbiddenError     an address that must not be connected to: not public, not http(s), the proxy itself
    ├── StoreError         what the proxy remembers cannot be read or written just now (locked, full, away)
    └── OutputError        the result cannot be written

Foreign exceptions (lxml, feedparser, numpy, SQLAlchemy, the operating system) become one of these at the one border
that calls the foreign library, so a caller needs no other `except`.
"""

from __future__ import annotations


class FeedcleanError(Exception):
    """A fault told in one line: where, what and, where something can be done, what to do.

    Args:
        what: the fault, a clause without a full stop (`"not well-formed at line 3: …"`).
        where: the source it was met in: a path, a URL, `"-"` for standard input, or `None`.
        hint: what the reader can do about it, or `None`.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        told = f"{self.where}: {self.what}" if self.where else self.what
        return " ".join((f"{told}; {self.hint}" if self.hint else told).split())

    def at(self, where: str) -> FeedcleanError:
        """This same error, with its place filled in if it had none."""
        if self.where is None:
            self.where = where
        return self


class SourceError(FeedcleanError):
    """The source cannot be read."""


class FormatError(FeedcleanError):
    """The bytes hold no document that can be cleaned."""


class LimitError(FormatError):
    """Reading the bytes would cost more than the limits allow."""


class ModelError(FeedcleanError):
    """The model cannot be used."""


class CorpusError(FeedcleanError):
    """Labelled data that cannot be used."""


class SettingsError(FeedcleanError):
    """A setting or a combination of options that makes no sense."""


class ForbiddenError(FeedcleanError):
    """An address that must not be connected to."""


class StoreError(FeedcleanError):
    """What the proxy remembers cannot be read or written just now."""


class OutputError(FeedcleanError):
    """The result cannot be written."""
