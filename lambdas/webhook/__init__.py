"""The `webhook` function: webhooks of providers, and answers of machines."""
