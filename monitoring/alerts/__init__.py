"""Alerts: what the report's signals ask of people, told once, until they acknowledge it.

The audit log is the only store: what was raised, delivered, acknowledged and cleared stands there
as notes of the role ``alerts``, and everything else is read back from them (``alerts.log``).
"""
