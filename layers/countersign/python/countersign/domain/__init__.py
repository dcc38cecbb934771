"""The rules of tasks, answers and audit: no AWS, no I/O, no clock."""
