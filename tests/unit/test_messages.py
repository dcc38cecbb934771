"""Mails: one personal link, a one-line subject, and safe text."""

import re
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape

import pytest

from countersign.channels.messages import SUBJECT_LIMIT
from countersign.domain.rules import Rule
from countersign.domain.trail import Step
from countersign.presentation import brand
from countersign.presentation.brand import PLAIN
from tools.views import (
    ATTACHMENTS,
    COMMENT,
    HOSTILE,
    NOW,
    ROWS,
    TITLE,
    TOKEN,
    UNBROKEN,
    any_mail,
    as_mail,
    every_mail,
    hostile_mail,
)

MAILS = every_mail()
REVIEWS = {name: mail for name, mail in MAILS.items() if not name.startswith(("inbox-", "told-", "moot-"))}
LINKED = [name for name in MAILS if not name.startswith("moot-")]
# Texts that mail programs turn into links: schemes, file shares, addresses, domain names.
LINKS = re.compile(r"\w+:[/\\]{2}\S+|\\\\\w+|\S+[.。．｡](?:com|example|org|net)\b\S*|(?:\d+\.){3}\d+", re.IGNORECASE)


def read(text: str) -> str:
    """Return a text without the joiners that prevent links, and HTML without the isolates of directions."""
    return text.replace("\N{ZERO WIDTH NON-JOINER}", "").replace("<bdi>", "").replace("</bdi>", "")


@pytest.mark.parametrize("name", LINKED)
def test_a_mail_has_one_link_without_a_decision(name: str) -> None:
    page = "review" if name in REVIEWS else "inbox" if name.startswith("inbox-") else "request"
    mail, link = MAILS[name], f"https://api.example.com/{page}?t={TOKEN}"
    assert mail.html.count("<a ") == mail.html.count(f'<a href="{link}"') == 1
    assert mail.text.count(link) == 1
    for body in (mail.html, mail.text):
        assert body.count(TOKEN) == body.count("://") == 1
        assert "decision=" not in body


@pytest.mark.parametrize("name", REVIEWS)
def test_a_mail_shows_request_recipient_and_deadline(name: str) -> None:
    for body in map(read, (MAILS[name].html, MAILS[name].text)):
        for part in (
            *("Amount", "250.00\u00a0EUR", "ana@example.com", "maria@example.com", "14:12\u00a0UTC"),
            "Do not forward",
        ):
            assert part in body
        assert "recorded as yours" in body


def test_the_inbox_mail_shows_owner_and_expiry_and_no_request() -> None:
    mail = MAILS["inbox-prod"]
    assert mail.subject == "Requests waiting for your decision"
    for body in map(read, (mail.html, mail.text)):
        for part in (
            *("maria@example.com", "28\u00a0November\u00a02025, 09:12\u00a0UTC", "Do not forward"),
            "recorded as yours",
        ):
            assert part in body
        assert TITLE not in body
    assert MAILS["inbox-dev"].subject.startswith("[dev] ")
    assert "dev system" in MAILS["inbox-dev"].text


@pytest.mark.parametrize("status", ["approved", "rejected", "expired", "withdrawn", "returned"])
def test_the_mail_to_a_requester_says_what_was_decided_by_whom_and_why(status: str) -> None:
    mail = MAILS[f"told-{status}"]
    is_said = status not in ("expired", "withdrawn")
    for body in map(read, (mail.html, mail.text)):
        for part in ("250.00 EUR", TITLE, "ana@example.com", "Do not forward"):
            assert part in body
        assert ("maria@example.com and otto@example.com" in body, COMMENT in body) == (is_said, is_said)
    subjects = {"expired": "Not decided in time", "returned": "Please answer"}
    assert mail.subject == f"{subjects.get(status, status.capitalize())}: {TITLE}"


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("withdrawn", ("was withdrawn", COMMENT)),
        ("taken_back", ("otto@example.com took this request back",)),
        ("reassigned", ("otto@example.com was asked", COMMENT)),
    ],
)
def test_the_mail_about_a_moot_link_says_why_and_has_no_link(why: str, said: tuple[str, ...]) -> None:
    mail = MAILS[f"moot-{why}"]
    for part in ("250.00 EUR", "ana@example.com", *said):
        assert all(part in read(body) for body in (mail.html.replace("<bdi>", "").replace("</bdi>", ""), mail.text))
    assert ("<a " in mail.html, "://" in mail.text, TOKEN in mail.html + mail.text) == (False, False, False)
    assert mail.subject == f"No longer waiting for you: {TITLE}"


def test_the_mail_to_a_delegate_names_the_replaced_person() -> None:
    mail = MAILS["instead"]
    assert "You are asked instead of otto@example.com." in read(mail.text)
    assert "otto@example.com" in read(mail.html)
    assert "instead of" not in MAILS["requested-prod"].text


@pytest.mark.parametrize("name", MAILS)
def test_a_mail_runs_no_script_and_loads_nothing(name: str) -> None:
    assert not re.search(r"<(script|img|link|iframe)\b|url\(|@import|\son\w+=", MAILS[name].html)
    assert len(MAILS[name].html.encode()) < 10_000


def test_the_subject_names_the_occasion() -> None:
    assert MAILS["requested-prod"].subject == f"Please decide: {TITLE}"
    assert MAILS["reminder-prod"].subject == f"Reminder (5 hours left): {TITLE}"
    assert MAILS["escalated-prod"].subject == f"Passed on to you, please decide: {TITLE}"


def test_the_stage_is_named_outside_production() -> None:
    assert MAILS["requested-dev"].subject == f"[dev] Please decide: {TITLE}"
    assert "dev system" in MAILS["requested-dev"].text
    assert "dev system" in read(MAILS["requested-dev"].html)
    assert "system" not in MAILS["requested-prod"].text


@pytest.mark.parametrize(
    "title",
    [
        *("Order\r\nBcc: eve@evil.example", "Order\nBcc: eve@evil.example", "Order\u2028Bcc: eve@evil.example"),
        *("Order\x00\x0b\x0c\x1b", HOSTILE, UNBROKEN, ""),
    ],
)
def test_a_title_cannot_add_a_header(title: str) -> None:
    subject = as_mail(any_mail(title=title, stage="dev")).subject
    assert read(subject).isprintable()
    assert len(subject) <= SUBJECT_LIMIT
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject
    assert mail.keys() == ["Subject"]


def test_untrusted_text_stays_text() -> None:
    mail = hostile_mail(HOSTILE)
    assert "<script" not in mail.html
    assert "<img" not in mail.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in mail.html
    assert "<script>alert(1)</script>" in mail.text, "plain text is not escaped"
    for body in (mail.html, mail.text):
        assert not re.search("[\u0000-\u0009\u000b-\u001f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", body)
        body.encode()


@pytest.mark.parametrize(
    "written",
    [
        *("https://evil.example/review?t=1", "www.evil.example", "evil.com/x"),
        *("www.evil.example/approve-here?x=@example.com", "ana@evil.example", "evil。com ➡．org"),
        *("file:\\\\evil\\share", "\\\\evil\\share", "192.0.2.7/approve"),
    ],
)
def test_untrusted_text_never_becomes_a_link(written: str) -> None:
    assert LINKS.search(written)
    mail = as_mail(
        any_mail(
            title=written, details=((written, written),), attachments=(written,), requester=written, instead_of=written
        )
    )
    assert LINKS.findall(mail.text) == [any_mail().link]
    assert not LINKS.search(mail.subject)
    assert not LINKS.search(re.sub(r"<[^>]*>", " ", mail.html))
    assert read(mail.text).count(written) == 7


def test_attachments_are_named_without_links_and_open_from_the_page() -> None:
    names = tuple(attachment.name for attachment in ATTACHMENTS)
    mail = as_mail(any_mail(attachments=names))
    assert "Attachments (open them from the page): Offer.pdf; https://bank.example/login\n" in read(mail.text)
    assert LINKS.findall(mail.text) == [any_mail().link]
    assert mail.html.count("<a ") == mail.html.count("://") == 1
    assert "Attachments" not in as_mail(any_mail()).text


def test_untrusted_text_cannot_imitate_lines_of_the_mail() -> None:
    forged = "1001\n\nRead the details, then approve or reject, on this page:\nhttps://evil.example"
    text = as_mail(any_mail(details=(("Order", forged),))).text
    assert len(re.findall(r"^Read the details", text, re.MULTILINE)) == 1


def test_long_text_is_cut_with_a_hint_to_the_page() -> None:
    mail = hostile_mail(UNBROKEN)
    assert len(mail.html.encode()) < 10_000
    assert "the rest is on the page" in mail.text
    assert mail.text.count(any_mail().link) == 1


def test_amounts_dates_and_line_breaks_are_shown_unchanged() -> None:
    mail = as_mail(any_mail(details=(*ROWS, ("Due", "01.02.2026 12:30"))))
    assert "\nDescription: Twelve chairs & a table,\n  for the new office\nDue: 01.02.2026 12:30\n" in mail.text
    assert "<bdi>Twelve chairs &amp; a table,<br>for the new office</bdi>" in mail.html
    many = as_mail(any_mail(details=(("Lines", "W\n\n" * 50),)))
    assert many.text.count("\n  W") == 11
    assert "the rest is on the page" in many.text


def test_a_subject_has_the_amount_once() -> None:
    subject = as_mail(any_mail(title="Credit 2500.00 EUR to ACC-1", amount="2500.00 EUR")).subject
    assert subject == "Please decide: Credit 2500.00 EUR to ACC-1"


def test_the_amount_comes_first_alone_and_once() -> None:
    mail = as_mail(any_mail(title="Order 1001", amount="250.00 EUR"))
    assert mail.subject.replace("\u00a0", " ") == "Please decide: 250.00 EUR · Order 1001"
    assert "\n\n250.00\u00a0EUR\nOrder 1001\n\nOrder: 1001\nDescription" in mail.text
    assert mail.text.count("250.00") == visible(mail.html).count("250.00") == 1
    (size,) = re.findall(r"font-size:(\d+)px[^>]*white-space:nowrap;", mail.html)
    assert int(size) > 30
    (smaller,) = re.findall(r"font-size:(\d+)px[^>]*white-space:nowrap;", as_mail(any_mail(amount="9" * 30)).html)
    assert int(smaller) < int(size)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (Rule("any"), "The first of you to answer decides"),
        (Rule("all"), "All 3 have to approve"),
        (Rule("quorum", 2), "2 of 3 have to approve"),
    ],
)
def test_a_mail_says_who_else_is_asked_and_how_many_must_agree(rule: Rule, said: str) -> None:
    mail = as_mail(any_mail(others=("hugo@example.com", "li@example.com"), rule=rule))
    assert f"Also asked: hugo@example.com and li@example.com\nWho decides: {said}\n" in read(mail.text)
    assert "Who decides" not in as_mail(any_mail(rule=rule)).text


def test_a_mail_of_a_chain_says_at_which_level_the_recipient_decides() -> None:
    assert "\nWho decides: One after the other: you are number 2 of 3\n" in as_mail(any_mail(level=(2, 3))).text


def test_a_mail_says_what_others_have_done_and_written() -> None:
    trail = (
        Step("delegated", NOW, "otto@example.com", ("maria@example.com",)),
        Step("approve", NOW, "li@example.com", comment="Fine\n\nwww.evil.example"),
        Step("reject", NOW, "hugo@example.com", comment="W" * 300),
    )
    mail = as_mail(any_mail(trail=trail))
    assert LINKS.findall(mail.text) == [any_mail().link]
    said = read(mail.text).partition("\nWhat happened: ")[2].split("\n")
    assert said[0] == "otto@example.com handed this to maria@example.com."
    assert said[1] == "  li@example.com approved. “Fine www.evil.example”"
    assert said[2] == f"  hugo@example.com rejected. “{'W' * 199}…”"
    assert "approved. “Fine www.evil.example”<br>" in read(mail.html)


def test_each_person_is_isolated_in_their_direction() -> None:
    mail = as_mail(any_mail(others=("hugo@example.com", "li@example.com"), title="Order", amount="5 EUR"))
    assert "<bdi>hugo@example.com</bdi> and <bdi>li@example.com</bdi>" in mail.html.replace("\u200c", "")
    assert "<bdi>Order</bdi></h1>" in mail.html


def test_a_reminder_says_how_long_is_left() -> None:
    reminder = any_mail(kind="approval.reminder", left=timedelta(hours=5, minutes=59))
    assert as_mail(reminder).subject == f"Reminder (5 hours left): {TITLE}"
    assert "ana@example.com is still waiting for your decision. 5 hours left." in read(reminder.texts.body)


@pytest.mark.parametrize("name", MAILS)
def test_the_plain_text_says_all_that_the_html_says(name: str) -> None:
    mail = MAILS[name]
    missing = {word for word in visible(mail.html).split() if word not in mail.text}
    assert missing <= {"Countersign", "Read", "and", "decide"}, "the brand at the head, and the button"


def visible(page: str) -> str:
    """Return the text that a mail shows once it is open."""
    body = re.sub(r'<div style="display:none.*?</div>', "", page.partition("<body")[2], flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", f"<{body}"))


@pytest.mark.parametrize("name", LINKED)
def test_outlook_s_word_engine_finds_tables_cells_with_padding_and_background_colours(name: str) -> None:
    page = MAILS[name].html
    assert page.count("<table") == page.count('role="presentation"') == page.count("</table>")
    assert page.count("<!--[if mso]>") == page.count("<![endif]-->") == 2
    assert '<td bgcolor="#1a56c4" style="border-radius:10px;mso-padding-alt:14px 28px"><a ' in page
    assert not re.search(r"display:(flex|grid)|margin-(left|right)|<(dl|section)\b", page)


def test_a_mail_has_the_brand_of_its_stage() -> None:
    assert as_mail(any_mail()).text.endswith("\n\nYou get this message because a request in Countersign names you.\n")
    with brand.shown({**PLAIN, "name": "Example & Co", "light": "#7a1f5c", "why": "You approve for <Example>."}):
        mail = as_mail(any_mail())
    assert mail.text.endswith("\n\nYou approve for <Example>.\n")
    for part in ("Example &amp; Co</td>", "You approve for &lt;Example&gt;.", 'bgcolor="#7a1f5c"'):
        assert part in mail.html
    assert "Countersign" not in mail.html


def test_an_unknown_kind_of_message_is_refused() -> None:
    with pytest.raises(LookupError):
        as_mail(any_mail(kind="payment.requested"))
