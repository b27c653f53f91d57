"""Pictures, as SVG by hand."""
