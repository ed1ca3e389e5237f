"""The frame around every page: ``page.html`` with its style, and whoever's templates fill it."""

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


@cache
def templates(package: str) -> Environment:
    """Templates of a package, which may extend ``page.html``; a name that is not given is an error.

    ``page.html`` wants ``simulated``: what is simulated, in words, or None when nothing is. Its
    blocks are ``title``, ``purpose``, ``style`` (after the common one), ``main`` and ``footer``.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("models.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
