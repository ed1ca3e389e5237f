"""What the ledger said about an entity before an instant: one set of row functions, two drivers."""
