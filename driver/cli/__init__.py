"""The command line: its verbs, its options, its exit codes."""
