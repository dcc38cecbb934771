"""The `held-payment` workflow: operators resolve a held event of a payment provider."""
