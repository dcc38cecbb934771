"""The ports of `countersign.ports` on AWS; the only package that uses botocore."""
