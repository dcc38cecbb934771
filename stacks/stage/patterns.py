"""The names of the callback patterns, each the module of its name under `lambdas/patterns`."""

FOLDER = "patterns"
"""Their folder under `lambdas/`."""

ON_THE_LEDGER = (
    "conditional-results",
    "contact-confirmation",
    "customer-input",
    "data-enrichment",
    "document-collection",
    "encrypted-payload",
    "fallback-service",
    "identity-verification",
    "long-job",
    "parallel-checks",
    "retry-callback",
)
"""Those whose tasks are in the ledger."""

ON_THE_RAW_SDK = ("split-callback", "two-lambdas")
"""Those whose callback a plain Lambda completes by itself, without the ledger."""

ENCRYPTED = "encrypted-payload"
"""The one whose answers are encrypted."""
