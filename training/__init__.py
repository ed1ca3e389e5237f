"""From the ledger to a registered, approved bundle."""
