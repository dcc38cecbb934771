"""`prove`: runs the product's claims against a deployed stage, and reports what is proved."""
