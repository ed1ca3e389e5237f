"""Ratios measured in one run, on this machine: ``python -m tests.benchmarks``."""
