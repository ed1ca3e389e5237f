"""What history refuses to answer."""


class FutureRefused(ValueError):
    """What was loaded cannot answer for this ``as_of`` without showing too much or too little."""
