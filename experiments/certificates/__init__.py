"""Certificates: what faults of a compiled circuit do, exactly."""
