"""The `sweeper` function: repairs overdue tasks, requests and events once, and reports those that stay overdue."""
