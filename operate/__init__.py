"""The operators' tool, `countersign`: inspects a stage and acts on its tasks, with the operator's own credentials."""
