"""Fakes for the driver's tests: an engine that costs nothing, and a world that stands still."""
