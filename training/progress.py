"""On a terminal, what is being done; elsewhere nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_in_words() -> Iterator[Callable[[str], None]]:
    """A function that is told what happens next, in a few words."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("starting") as status:
        yield status.update
