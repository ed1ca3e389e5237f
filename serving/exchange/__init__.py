"""What agencies tell each other: signed events, at least once, in any order (docs/adr/0038)."""
