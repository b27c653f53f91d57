"""Noise: which channel follows each instruction of a compiled circuit."""
