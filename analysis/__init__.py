"""What it means: post-selection, estimators, tables, plots and the report."""
