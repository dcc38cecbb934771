"""The embedded cloud: MiniStack, its corrections, and its processes."""
