"""The constructs that the stacks are composed of, one for each logical unit."""
