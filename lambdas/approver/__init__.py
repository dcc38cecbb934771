"""The `approver` function: mails review links to those who may decide."""
