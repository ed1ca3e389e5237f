"""Which ledger is behind a URL."""

from pathlib import Path
from urllib.parse import urlsplit

from features.ledger.parquet import ParquetLedger, is_export
from features.ledger.protocol import EventSource, Ledger, LedgerError
from features.ledger.sqlite import SqliteLedger


def open_ledger(url: str, *, create: bool = True, impatient: bool = False) -> Ledger:
    """The ledger at ``url``: ``sqlite:///path`` (four slashes for an absolute path), or
    ``postgresql://user@host/database``.

    With ``create`` a missing one is made, directories included; nothing else is touched. One that
    an earlier version of Foreland wrote is brought up to date.

    Args:
        impatient: for whoever answers requests; over a network nothing is waited for longer than
            ``features.ledger.postgres`` says.

    Raises:
        LedgerError: for another scheme, a missing ledger with ``create=False``, a place that
            cannot be reached or written, or one that holds no ledger of this version.
    """
    if is_export(url):
        raise LedgerError(
            f"{url} is an export, which can be trained on and scored from and no more; give the"
            " URL of a ledger"
        )
    scheme = urlsplit(url).scheme
    if scheme in ("postgresql", "postgres"):
        from features.ledger.postgres import PostgresLedger  # only who uses it pays for its driver

        return PostgresLedger(url, create=create, impatient=impatient)
    if scheme != "sqlite":
        raise LedgerError(
            f"a ledger URL starts with sqlite:/// or postgresql://, not {scheme or url!r}; "
            "give a path such as sqlite:///var/ledger.db"
        )
    path = url.removeprefix("sqlite:///")
    if path in (url, "", ":memory:"):
        raise LedgerError(
            f"{url!r} names no file; give a path such as sqlite:///var/ledger.db "
            "(four slashes for an absolute one)"
        )
    return SqliteLedger(Path(path), url=url, create=create)


def open_source(url: str) -> EventSource:
    """What is there, to be read only: the ledger at ``url``, or the export at a path that ends in
    ``.parquet``.

    Raises:
        LedgerError: as ``open_ledger``, or a file that is no export.
    """
    return ParquetLedger(Path(url)) if is_export(url) else open_ledger(url, create=False)
