"""The `webhook` function: what providers post, and what machines answer."""
