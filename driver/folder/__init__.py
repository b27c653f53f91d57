"""The run folder: what lies where in it, in which format, and whether it is whole."""
