"""The commands, each from its arguments to its output."""
