"""Tables: DataFrames with documented columns and stable dtypes (docs/tables.md)."""
