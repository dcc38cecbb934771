"""What must not be lost: ledger, directory, archive, keys, secrets and limits."""
