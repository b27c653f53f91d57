"""The explorer: a page on this machine where cuts are switched and the tables follow."""
