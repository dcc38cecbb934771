"""The operators' tool, `countersign`: looks at a stage and acts on its tasks, with one's own credentials."""
