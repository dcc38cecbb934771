"""The `review` function: pages for people, and the decisions made on them."""
