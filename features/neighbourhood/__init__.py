"""Who is tied with whom, by what and since when, as of any instant (ADR 37).

The history in memory knows one instant, now; what is here answers for every instant from a file of
its own, so that no score waits for it or pays for it.
"""
