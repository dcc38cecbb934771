"""Where the embedded cloud runs, and how to reach it."""
