"""Shards on an existing Dask cluster."""
