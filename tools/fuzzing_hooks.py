"""What `tools.fuzzing` adds to the calls of schemathesis, which loads this module in an environment of its own."""

import os
from typing import Any

import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from requests import PreparedRequest
from requests.auth import AuthBase

PAGES = {"/review": "REVIEW_TOKEN", "/delegate": "REVIEW_TOKEN", "/inbox": "INBOX_TOKEN", "/request": "REQUESTER_TOKEN"}


class Signature(AuthBase):
    """Signs calls with credentials that the embedded cloud accepts."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Return the request with its signature."""
        signed = AWSRequest(request.method, request.url, data=request.body or b"")
        SigV4Auth(Credentials("test", "test"), "execute-api", "eu-central-1").add_auth(signed)
        request.headers.update(signed.headers)
        return request


schemathesis.auth.set_from_requests(Signature()).apply_to(path_regex="^/requests")


@schemathesis.hook  # type: ignore[untyped-decorator]  # its environment has the types
def before_call(_context: Any, case: Any, **_: Any) -> None:
    """Give pages the token of a link, and what its page shows, in place of every other generated token."""
    for fields in (case.query, case.body):
        if case.path in PAGES and isinstance(fields, dict) and len(str(fields.get("t", ""))) % 2:
            fields.update({"t": os.environ[PAGES[case.path]], "shown": os.environ["SHOWN"]})
