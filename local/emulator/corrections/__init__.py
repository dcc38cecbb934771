"""Corrections of MiniStack 1.5.33, the AWS emulator: each gives it one behaviour of AWS.

This package is imported by MiniStack's own interpreter, not by the kit's: it uses MiniStack and the standard library,
and nothing else. Every correction is a function whose docstring has the behaviour of upstream, that of AWS, and the
source. Each has a test that also runs against an emulator without it, and fails once upstream no longer needs it.

Terms of the docstrings:
    the model: botocore's description of Lambda's API, `botocore/data/lambda/2015-03-31/service-2.json`.
    the runner: AWS's own local runner, the package `aws-durable-execution-sdk-python-testing` 1.4.0.
    the guide: https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html and the pages below it.
"""
