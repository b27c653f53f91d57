"""Tables as plain text and Markdown."""
