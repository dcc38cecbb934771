"""Attachments: documents that live elsewhere, named to the approver with a link that opens outside the kit's pages."""

import re
from dataclasses import dataclass

# A host by its name, ASCII or punycode, with nobody's user info before it. Where the last label starts with a digit,
# browsers read an address in any base and show another one (https://url.spec.whatwg.org/#ends-in-a-number-checker), and
# a backslash is a slash to them: both are left out, so that a browser goes to the host that is read here.
_LABEL = "[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_LINK = re.compile(
    rf"https://(?P<host>(?:{_LABEL}\.)*(?=[A-Za-z]){_LABEL}(?::[0-9]{{1,5}})?)(?:[/?#][!-\[\]-~]*)?", re.ASCII
)


@dataclass(frozen=True)
class Attachment:
    """One document that lives elsewhere.

    Attributes:
        name: What it is called, in one line; the requester's words, which need not be true.
        url: Where it is: an https URL in ASCII, without user info.
    """

    name: str
    url: str

    @property
    def host(self) -> str:
        """Where the link leads, as its URL spells it, with its port; empty when no page may link to this URL."""
        link = _LINK.fullmatch(self.url)
        return link["host"] if link else ""
