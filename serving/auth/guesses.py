"""How often one address may show a credential that is not good, before it has to wait."""

from serving.problems import RequestRefused

MOST = 20
"""Wrong credentials at once; somebody who mistypes has as many tries."""
SECONDS_EACH = 3.0
"""Until one more is taken, after that."""
_MOST_ADDRESSES = 10_000


class Guesses:
    """Counts what was refused, by address; a worker counts by itself.

    Nobody guesses 256 bits: this keeps whoever tries from keeping the service busy. Behind a proxy
    all readers have the proxy's address, so let the proxy limit them too.
    """

    def __init__(self) -> None:
        self._good_again: dict[str, float] = {}
        """When an address would be as good as new."""

    def check(self, address: str, now: float) -> None:
        """
        Args:
            now: seconds of a clock that never goes back.

        Raises:
            RequestRefused: ``too_many_attempts``, with the seconds to wait.
        """
        wait = self._good_again.get(address, now) - now - (MOST - 1) * SECONDS_EACH
        if wait > 0:
            raise RequestRefused(
                "too_many_attempts",
                "too many wrong credentials came from this address; wait, then try again",
                headers={"Retry-After": str(int(wait) + 1)},
            )

    def wrong(self, address: str, now: float) -> None:
        """One more was refused."""
        if len(self._good_again) > _MOST_ADDRESSES:
            self._good_again = {one: then for one, then in self._good_again.items() if then > now}
        self._good_again[address] = max(self._good_again.get(address, now), now) + SECONDS_EACH
