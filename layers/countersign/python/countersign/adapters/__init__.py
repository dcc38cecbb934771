"""The ports of `countersign.ports` on AWS; the only place that knows botocore."""
