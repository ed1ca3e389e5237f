"""From a message to an audited assessment."""
