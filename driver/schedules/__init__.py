"""Scheduled experiments: when each is due, and how it becomes a run."""
