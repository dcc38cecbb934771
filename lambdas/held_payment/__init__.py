"""The `held-payment` workflow: operators settle what a payment provider said and no machine may act on."""
