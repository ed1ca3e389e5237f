"""Names of people who propose and approve: attributed, and compared as people spell them."""


def same_name(name: str) -> str:
    """Two spellings of one name are one person.

    >>> same_name("Ada  LOVELACE") == same_name("ada lovelace")
    True
    """
    return " ".join(name.casefold().split())
