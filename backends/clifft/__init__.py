"""The clifft engine: exact near-Clifford sampling of circuits of any size."""
