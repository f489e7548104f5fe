"""The `releaf` command, one file a group of verbs; may import everything, nothing imports it."""
