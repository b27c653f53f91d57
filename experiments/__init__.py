"""What to run: the code, the patch, the protocol's stages, the record map and the certificates."""
