"""The commands, each from its arguments to what it prints."""
