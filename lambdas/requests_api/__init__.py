"""The `requests` function (the folder has a longer name, since `requests` is a well-known package): starts workflows for callers with IAM credentials, and reports on them."""
