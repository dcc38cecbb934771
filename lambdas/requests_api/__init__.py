"""The `requests` function: starts workflows for callers with IAM credentials, and reports on them.

The folder has a longer name because `requests` is a well-known package.
"""
