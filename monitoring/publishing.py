"""The folder of reports: what is published stays as it is, until it is issued again for a reason.

``out/<period>/`` holds the issue that stands, ``out/<period>/issue-1/`` and so on those before it.
``issue.json`` says which it is, from what it was made, and the SHA-256 of every file. A period that
is not over yet is *provisional*: issue 0, replaced by every run.

One process writes at a time. A new issue is written in a hidden folder and put in place with two
renames; what a crash leaves behind is put right by the next run.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from features.clock import Micros, iso
from features.errors import ForelandError, InputError

ISSUE, SUMMARY = "issue.json", "summary.json"
GENERATOR = '<meta name="generator" content="Foreland">'
LONGEST_REASON = 200
_ASIDE = ".old"


class SiteError(ForelandError):
    """The report's files cannot be written, or are not what was published."""


class Plan(NamedTuple):
    """What is to be written."""

    number: int
    """0 for a period that is not over."""
    reason: str | None
    """Why it is issued again."""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One issue of a report, as ``issue.json`` says it."""

    period: str
    number: int
    issued_at: Micros
    as_of: Micros
    """What was known before this instant is in it."""
    ledger_position: int
    reason: str | None = None
    files: dict[str, str] = {}
    """Path within the folder to SHA-256."""

    @property
    def in_words(self) -> str:
        day = iso(self.issued_at)[:10]
        if self.number == 0:
            return f"Provisional, made on {day}: the period was not over."
        said = f"Issue {self.number}, published on {day}."
        if self.reason is None:
            return said
        return f"{said} It replaces issue {self.number - 1}: {self.reason}"


class Site:
    """A folder of reports, while this process writes to it."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def standing(self, period: str) -> Issue | None:
        """The issue that stands, its files checked; None when there is none, or from before issues.

        Raises:
            SiteError: a file of it was changed since, or something else is in its place.
        """
        folder = self.out / period
        self._refuse_strangers(folder)
        if not (folder / ISSUE).is_file():
            return None
        issue = read_issue(folder)
        for name, sha256 in issue.files.items():
            file = folder / name
            if not file.is_file() or _sha256(file) != sha256:
                raise SiteError(
                    f"{file} is not what was published ({issue.in_words.lower()}); restore the "
                    "folder from a copy, or move it away and report again"
                )
        return issue

    @contextmanager
    def fresh(self, period: str) -> Iterator[Path]:
        """A hidden folder to write in, gone again unless it was put in place."""
        folder = Path(tempfile.mkdtemp(prefix=f".{period}.", dir=self.out))
        folder.chmod(0o755)  # mkdtemp makes it private; a web server may have to read it
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def seal(self, fresh: Path, issue: Issue) -> str:
        """List all that is in ``fresh`` in its ``issue.json``, whose SHA-256 is returned.

        A published issue before it is kept inside.
        """
        if issue.number > 1:
            _keep_earlier(self.out / issue.period, fresh, issue.number - 1)
        listed = msgspec.structs.replace(issue, files=_digests(fresh))
        (fresh / ISSUE).write_bytes(msgspec.json.encode(listed, order="sorted"))
        return _sha256(fresh / ISSUE)

    def put_in_place(self, fresh: Path, period: str) -> None:
        """``fresh`` becomes the issue that stands.

        Whoever looks in between finds the old one, for an instant none, then the new one.
        """
        final = self.out / period
        aside = final.with_name(f".{final.name}{_ASIDE}")
        if final.exists():
            final.rename(aside)
        fresh.rename(final)
        shutil.rmtree(aside, ignore_errors=True)

    def put_right(self) -> None:
        """Undo what a run that was killed left half done."""
        for left in self.out.glob(f".*{_ASIDE}"):
            final = self.out / left.name[1 : -len(_ASIDE)]
            if final.exists():
                shutil.rmtree(left)
            else:
                left.rename(final)
        for left in self.out.glob(".[0-9]*"):
            shutil.rmtree(left)

    def _refuse_strangers(self, folder: Path) -> None:
        """A report replaces what a report wrote, and nothing else."""
        index, strange = self.out / "index.html", None
        if folder.exists() and not (folder / SUMMARY).is_file():
            strange = folder
        elif index.exists() and GENERATOR not in index.read_text("utf-8", errors="replace"):
            strange = index
        if strange is not None:
            raise SiteError(
                f"{strange} was not written by a report; choose another --out, or move it"
            )


@contextmanager
def writing_to(out: Path) -> Iterator[Site]:
    """
    Raises:
        SiteError: it cannot be written, or another run writes to it.
    """
    made = not out.exists()
    with site_errors_in_words(out):
        out.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            raise SiteError(
                f"another report is being written to {out}; wait for it, then run this again"
            ) from exc
        site = Site(out)
        with site_errors_in_words(out):
            site.put_right()
        yield site
    finally:
        os.close(descriptor)
        if made:
            with suppress(OSError):  # something was written
                out.rmdir()


def plan(standing: Issue | None, *, over: bool, reason: str | None) -> Plan | None:
    """What to write next; None when the period is published and nobody gave a reason.

    Args:
        over: the period has ended.

    Raises:
        InputError: a reason for what is not published, or one that says nothing.

    >>> plan(None, over=True, reason=None), plan(None, over=False, reason=None)
    (Plan(number=1, reason=None), Plan(number=0, reason=None))
    """
    published = standing is not None and standing.number > 0
    if reason is None:
        return None if published else Plan(int(over), None)
    if standing is None or not published:
        raise InputError(
            "--reissue is for a period that is published, and this one is not; leave it out"
        )
    said = " ".join(reason.split())
    if not 0 < len(said) <= LONGEST_REASON:
        raise InputError(
            f"--reissue is a reason of 1 to {LONGEST_REASON} characters, not {len(said)}; "
            "the board reads it"
        )
    return Plan(standing.number + 1, said)


def read_issue(folder: Path) -> Issue:
    """
    Raises:
        SiteError: ``issue.json`` is damaged.
    """
    try:
        return msgspec.json.decode((folder / ISSUE).read_bytes(), type=Issue)
    except msgspec.MsgspecError as exc:
        raise SiteError(
            f"{folder / ISSUE} is damaged ({exc}); restore the folder from a copy, or move it "
            "away and report again"
        ) from exc


@contextmanager
def site_errors_in_words(out: Path) -> Iterator[None]:
    """What the operating system refuses, as a :class:`SiteError`."""
    try:
        yield
    except OSError as exc:
        raise SiteError(
            f"the report cannot be written to {out} ({exc.strerror or exc}); "
            "choose another folder with --out"
        ) from exc


def _keep_earlier(final: Path, fresh: Path, number: int) -> None:
    """Copies, so that ``final`` stays whole until the new issue is."""
    earlier = [folder.name for folder in final.glob("issue-*")]
    for name in earlier:
        shutil.copytree(final / name, fresh / name)
    shutil.copytree(final, fresh / f"issue-{number}", ignore=shutil.ignore_patterns(*earlier))


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
