"""Rates from strata by number of faults."""
