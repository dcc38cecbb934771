"""JSON Schemas (draft 7) of the contracts of the kit, one file each."""
