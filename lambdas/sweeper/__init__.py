"""The `sweeper` function: finds what should have happened by now, mends it once, and tells of what stays lost."""
