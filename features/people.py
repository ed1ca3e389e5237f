"""Names of people who vouch for something: two spellings of one name are one person."""


def same_name(name: str) -> str:
    """What is equal for two spellings of one name.

    >>> same_name("Ada  LOVELACE") == same_name("ada lovelace")
    True
    """
    return " ".join(name.casefold().split())
