"""What a movement is, what was known about it and when: records, ledger, history, features."""
