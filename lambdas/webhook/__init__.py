"""The `webhook` function: the review page, and the decisions made on it."""
