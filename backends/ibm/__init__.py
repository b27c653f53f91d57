"""IBM's service, through its own client."""
