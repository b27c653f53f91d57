"""Runs on paid hardware: submitted once, collected, charged, one safe step at a time."""
