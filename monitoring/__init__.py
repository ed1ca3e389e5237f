"""From ledger and audit log to what a governance board reads."""
