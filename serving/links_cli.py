"""``foreland links``: who is tied with an entity, as of an instant."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from features.clock import Micros, iso, now_micros, to_micros
from features.errors import InputError
from features.keeping_cli import LedgerUrl
from features.neighbourhood.bounds import MOST_DEPTH, MOST_ENTITIES
from features.settings import Settings, read_settings

if TYPE_CHECKING:
    from features.ledger import Ledger
    from features.neighbourhood.walk import Neighbourhood

app = typer.Typer(no_args_is_help=True)


@app.command()
def links(
    key: Annotated[str, typer.Argument(help="namespace:IDENTIFIER, plain or as answers give it.")],
    as_of: Annotated[
        str | None, typer.Option(help="Day or instant (UTC unless it says); default: now.")
    ] = None,
    depth: Annotated[int, typer.Option(min=1, max=MOST_DEPTH, help="Steps.")] = 1,
    limit: Annotated[int, typer.Option(min=1, max=MOST_ENTITIES, help="Entities at most.")] = 60,
    json: Annotated[bool, typer.Option("--json", help="As the API answers.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Write an SVG file too.")] = None,
    ledger: LedgerUrl = None,
) -> None:
    """Show who is tied with an organisation, vehicle, vessel or container, and by what.

    The first time all of the ledger is read, which takes a minute or two for a million movements.
    That it was shown is recorded.

    Example: foreland links vehicle:AB12CDE --depth 2 --picture neighbourhood.svg
    """
    from features.ledger import open_ledger
    from serving.neighbourhood_picture import as_file
    from serving.wire import encode
    from serving.wire.links import as_answer

    settings, instant = read_settings(), _instant(as_of)
    with closing(open_ledger(ledger or settings.ledger, create=False)) as opened:
        entity, found = _found(settings, opened, key, instant, depth, limit)
    if picture is not None:
        picture.write_text(as_file(found))
    if json:
        typer.echo(encode(as_answer(entity, depth, found)).decode())
        return
    for line in _lines(found):
        typer.echo(line)
    if picture is not None:
        typer.echo(f"picture: {picture}")


def _found(
    settings: Settings, ledger: "Ledger", key: str, as_of: Micros, depth: int, limit: int
) -> "tuple[str, Neighbourhood]":
    """The pseudonym and its neighbourhood; that it is shown is recorded."""
    from features.neighbourhood.following import follow, open_ties
    from features.neighbourhood.naming import entity_of
    from features.neighbourhood.walk import neighbourhood
    from features.rotation import pseudonyms_to_read
    from serving.audit import LinksRead, account, record_note
    from serving.auth.access import LOCAL_AGENCY

    entity = entity_of(key, pseudonyms_to_read(ledger, settings.keys))
    with ledger.in_service(), closing(open_ties(settings.ties, ledger)) as ties:
        follow(ties, ledger)
        if ties.number(entity) is None:
            raise InputError("no movement has named this entity; check namespace and identifier")
        found = neighbourhood(ties, [entity], as_of, depth=depth, most_entities=limit)
    note = LinksRead(
        entity=entity,
        as_of=as_of,
        depth=depth,
        entities=len(found.neighbours),
        client=account(),
        agency=LOCAL_AGENCY,
    )
    record_note(ledger, "links", note)
    return entity, found


def _instant(text: str | None) -> Micros:
    now = now_micros()
    if text is None:
        return now
    try:
        given = datetime.fromisoformat(text if "T" in text or ":" in text else f"{text}T00:00Z")
        as_of = to_micros(given if given.tzinfo else datetime.fromisoformat(f"{text}Z"))
    except ValueError as exc:
        raise InputError(
            f"--as-of is a day or an instant such as 2026-03-01T12:00Z, not {text!r}"
        ) from exc
    if as_of > now:
        raise InputError(f"--as-of {iso(as_of)} is later than now; what will be known is not known")
    return as_of


def _lines(found: "Neighbourhood") -> Iterator[str]:
    from serving.page_of_links import LEFT_OUT, known_of, tied_of

    numbers = {one.key: number for number, one in enumerate(found.neighbours, start=1)}
    if found.simulated:
        yield "SIMULATED: not for use."
    yield f"As known before {iso(found.as_of)}:"
    for one in found.neighbours:
        told = f"{one.key}; {tied_of(one, numbers, asked=one.step == 0)}; {known_of(one)}"
        yield f"{numbers[one.key]:4}  {told}"
    yield f"{len(found.links)} links:"
    for link in found.links:
        seen = link.seen
        examined = "never examined" if seen.examinations == 0 else f"examined {seen.examinations}"
        yield (
            f"      {numbers[link.organisation]} with {numbers[link.connector]}: "
            f"{seen.movements} movements, {iso(seen.first_seen)[:10]} to "
            f"{iso(seen.last_seen)[:10]}, {examined}, finds {seen.finds}"
        )
    for one_left in found.truncated:
        yield f"{LEFT_OUT[one_left]}."
