"""The pages of a review link: safe with any text, and complete without other files."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from countersign.domain.questions import Attachment
from countersign.domain.rules import Decision
from countersign.domain.tasks import MAX_COMMENT_CHARACTERS, Vote
from countersign.presentation import words
from countersign.services.reviews import Click
from review.document import security_headers
from review.review_page import review_page
from tools.views import (
    ATTACHMENTS,
    CLOSED,
    COMMENT,
    HOSTILE,
    NOW,
    STORY,
    TITLE,
    TOKEN,
    UNBROKEN,
    any_closed_page,
    any_confirmation,
    any_decided,
    any_recorded,
    any_review,
    every_page,
    hostile_page,
)

VOID = {"meta", "input", "br"}
ALLOWED = VOID | {
    *("html", "head", "title", "style", "body", "header", "main", "footer", "article", "h1", "h2", "p", "span"),
    *("strong", "bdi", "time", "div", "dl", "dt", "dd", "form", "label", "textarea", "button"),
    *("ul", "ol", "li", "a", "details", "summary", "blockquote"),
}
BIDI_AND_CONTROLS = re.compile(
    "[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
PAGES = every_page()


def form_of(page: str, action: str) -> str:
    """Return the form of a page with this action."""
    (form,) = re.findall(rf'<form[^>]*method="post" action="{action}".*?</form>', page, re.DOTALL)
    return str(form)


class Outline(HTMLParser):
    """The elements and the text of a well-nested document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_a_complete_document(name: str) -> None:
    page = Outline(PAGES[name])
    assert PAGES[name].startswith("<!doctype html>")
    assert page.all("html") == [{"lang": "en", "dir": "ltr"}]
    assert [len(page.all(landmark)) for landmark in ("title", "header", "main", "h1", "footer")] == [1] * 5
    assert "width=device-width, initial-scale=1" in [meta.get("content") for meta in page.all("meta")]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs_no_script_and_loads_nothing(name: str) -> None:
    page = Outline(PAGES[name])
    assert {tag for tag, _ in page.elements} <= ALLOWED
    names = {attribute for tag, attributes in page.elements for attribute in attributes if tag != "a"}
    assert not [attribute for attribute in names if attribute.startswith("on") or attribute in ("src", "href", "style")]
    for link in page.all("a"):
        inside = str(link["href"]).startswith(("review?t=", "inbox?t="))
        assert set(link) - {"class"} == ({"href"} if inside else {"href", "target", "rel"})
    assert "://" not in re.sub(
        '<a href="https://[^"]*"|<bdi( dir="ltr")?>https://|https://(?=[^<]*</textarea>)', "", PAGES[name]
    )
    assert "url(" not in PAGES[name]
    assert "@import" not in PAGES[name]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "inbox-long"])
def test_a_page_is_small(name: str) -> None:
    assert len(PAGES[name].encode()) < (40_000 if name.endswith("-long") else 15_000)


@pytest.mark.parametrize("language", sorted(words.languages()))
def test_the_usual_page_has_at_most_14_kilobytes(language: str) -> None:
    shared = {"others": ("hugo@example.com", "li@example.com"), "needed": 2}
    usual = any_review(amount="250.00 EUR", attachments=ATTACHMENTS[:1], can_hand_over=True, send_back=True, **shared)
    with words.reading(language):
        assert len(review_page(usual).encode()) <= 14_000


def test_the_policy_allows_the_style_elements_and_nothing_else() -> None:
    styles = {style for page in PAGES.values() for style in re.findall(r"<style>(.*?)</style>", page, re.DOTALL)}
    policy = security_headers()["Content-Security-Policy"]
    allowed = re.fullmatch(
        r"default-src 'none'; style-src ([^;]*); form-action 'self'; base-uri 'none'; frame-ancestors 'none'", policy
    )
    assert allowed is not None
    digests = (b64encode(sha256(style.encode()).digest()).decode() for style in styles)
    assert sorted(allowed[1].split()) == sorted(f"'sha256-{digest}'" for digest in digests)


def test_every_header_of_the_contract_is_there() -> None:
    assert dict(security_headers()) | {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    } == dict(security_headers())
    assert re.match(r"max-age=\d{8}", security_headers()["Strict-Transport-Security"])
    assert "noindex" in security_headers()["X-Robots-Tag"]


@pytest.mark.parametrize("name", ["review", "decided", "closed", "recorded", "inbox", "delegated", "reassigned"])
def test_untrusted_text_stays_text(name: str) -> None:
    hostile, plain = hostile_page(HOSTILE)[name], hostile_page("plain")[name]
    page = Outline(hostile)
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in Outline(plain).elements]
    assert "<script>alert(1)</script>" in page.text
    assert "{{7*7}}" in page.text
    assert not BIDI_AND_CONTROLS.search(hostile)
    hostile.encode()


@pytest.mark.parametrize("name", ["review", "decided", "closed", "recorded"])
def test_long_text_scrolls_in_a_focusable_box(name: str) -> None:
    page = Outline(hostile_page(UNBROKEN)[name])
    boxes = [attributes for _, attributes in page.elements if attributes.get("class") == "long"]
    assert boxes
    assert all(box["tabindex"] == "0" and box["role"] == "group" and box["aria-label"] for box in boxes)
    assert UNBROKEN in page.text
    assert UNBROKEN[:255] not in page.text.partition(UNBROKEN)[0], "the title of the document and people are cut"


def test_untrusted_text_is_isolated_in_its_direction() -> None:
    page = review_page(any_review(title="שלום", recipient="maria@example.com"))
    assert '<h1 class="title"><bdi>שלום</bdi></h1>' in page
    assert "This link is for <bdi>maria@example.com</bdi>: a decision made here is recorded as yours." in page


def test_the_form_sends_all_fields_of_a_click() -> None:
    page = Outline(form_of(review_page(any_review()), "review"))
    assert [(field["type"], field["name"], field["value"]) for field in page.all("input")] == [
        ("hidden", "t", TOKEN),
        ("hidden", "shown", "5e" * 32),
    ]
    assert [(button["type"], button["name"], button["value"]) for button in page.all("button")] == [
        ("submit", "decision", "approve"),
        ("submit", "decision", "reject"),
    ]
    (comment,) = page.all("textarea")
    assert (comment["name"], comment["maxlength"]) == ("comment", str(MAX_COMMENT_CHARACTERS))
    assert page.all("label") == [{"for": comment["id"]}]


def test_the_delegation_form_is_collapsed_and_shown_only_if_allowed() -> None:
    assert "delegate" not in review_page(any_review())
    whole = review_page(any_review(can_hand_over=True))
    assert '<details class="colleague">' in whole
    page = Outline(form_of(whole, "delegate"))
    assert [(field["type"], field["name"], field["value"]) for field in page.all("input")] == [
        ("hidden", "t", TOKEN),
        ("email", "colleague", ""),
    ]
    assert (page.all("label"), page.all("button")) == ([{"for": "colleague"}], [{"class": "plain", "type": "submit"}])


def test_the_inbox_form_sends_only_the_token() -> None:
    page = Outline(form_of(review_page(any_review()), "inbox"))
    assert [(field["name"], field["value"]) for field in page.all("input")] == [("t", TOKEN)]


def test_the_page_shows_requester_deadline_recipient_and_finality() -> None:
    text = " ".join(Outline(review_page(any_review())).text.split())
    for sentence in (
        *(TITLE, "Requested by", "ana@example.com", "2 days left"),
        *("Please decide by Sunday, 23 November 2025, 14:12 UTC.", "This link is for maria@example.com:"),
        "Your decision is final.",
    ):
        assert sentence in text


@pytest.mark.parametrize("comment", ["", "\nfirst line is empty", "two\nlines", "<b>&amp;"])
def test_a_comment_is_shown_again_unchanged(comment: str) -> None:
    page = review_page(any_review(comment=comment, problem="unknown_decision"))
    field = re.search(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
    assert field is not None
    # A parser drops one line feed right after the tag (HTML, "the textarea element").
    assert Outline(f"<p>{field[1].removeprefix(chr(10))}</p>").text == comment


@pytest.mark.parametrize(
    ("problem", "before"),
    [
        ("unknown_decision", "<form"),
        ("details_changed", "<form"),
        ("comment_too_long", '<label for="comment"'),
        ("comment_missing", '<label for="comment"'),
        ("delegation_outsider", '<label for="colleague"'),
    ],
)
def test_a_problem_is_announced_where_it_can_be_corrected(problem: str, before: str) -> None:
    page = review_page(any_review(problem=problem, comment="x" * 2_001, can_hand_over=True))
    assert re.findall("<(?:h1|dl|textarea|label)", page[page.index('role="alert"') : page.index(before)]) == []
    assert "<title>Not recorded: " in page
    assert page.count('aria-invalid="true"') == page.count('" open>') == (before != "<form")


def test_sending_back_is_beside_the_comment_and_only_where_it_is_allowed() -> None:
    page = review_page(any_review(send_back=True))
    folded = page[page.index('<details class="comment">') : page.index("</details>")]
    assert "<summary>Add a comment · Ask the requester</summary>" in folded
    assert 'name="decision" value="return"' in folded
    assert 'value="return"' not in review_page(any_review())


def test_a_page_that_informs_has_one_button() -> None:
    page = review_page(any_review(acknowledge=True))
    assert [button["value"] for button in Outline(form_of(page, "review")).all("button")] == ["approve"]
    assert "Your decision is needed" not in page
    assert ">Acknowledge</button>" in page


@pytest.mark.parametrize("problem", ["", "comment_missing"])
@pytest.mark.parametrize("rule", ["", "required", "required_on_reject"])
def test_the_comment_is_folded_until_it_is_wanted(rule: str, problem: str) -> None:
    page = review_page(any_review(comment_rule=rule, problem=problem))
    folded = re.search(r'<details class="comment"( open)?>\n<summary>(.*?)</summary>', page)
    if rule == "required":
        assert folded is None
    else:
        assert folded is not None
        assert (folded[1] is not None) == bool(problem)
        assert ("needed to reject" in folded[2]) == (rule == "required_on_reject")


def test_who_has_answered_is_told_so_and_can_change_the_answer() -> None:
    vote = Vote(Decision.REJECT, "Too dear", NOW)
    page = review_page(any_review(vote=vote, comment=vote.comment, needed=2))
    assert "Your decision is needed" not in page
    assert 'You rejected this on <time datetime="2025-11-21T09:12:05Z">' in page
    assert (
        page.index("Change your answer</summary>") < page.index("Too dear</textarea>") < page.index('value="approve"')
    )


def test_the_confirmation_repeats_what_is_asked_and_sends_the_form_again() -> None:
    page = any_confirmation("reject", amount="250.00 EUR")
    text = " ".join(Outline(page).text.split())
    for said in (
        *("Reject this? Nothing is decided yet.", "250.00 EUR", TITLE, "ana@example.com", "Twelve chairs", COMMENT),
    ):
        assert said in text
    form = Outline(form_of(page, "review"))
    assert {str(field["name"]): field["value"] for field in form.all("input")} == {
        "t": TOKEN,
        "shown": "5e" * 32,
        "comment": COMMENT,
        "confirmed": "yes",
    }
    assert [(button["name"], button["value"]) for button in form.all("button")] == [("decision", "reject")]


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("Order PO-2026-0417: 1,250.00 EUR", ["PO-2026-0417:", "1,250.00 EUR"]),
        ("Refund 120.00 EUR for order 1001", ["120.00 EUR"]),
        ("Pay by 2025-11-21", ["2025-11-21"]),
        ("Twelve well-made chairs for room 7", []),
        ("1-" * 13, []),
    ],
)
def test_no_line_of_a_heading_ends_within_an_amount_a_date_or_an_id(title: str, kept: list[str]) -> None:
    assert re.findall('<span class="whole">(.*?)</span>', review_page(any_review(title=title))) == kept


def test_the_amount_comes_first_and_alone() -> None:
    page = review_page(any_review(amount="1234567.5 EUR", details=(("Amount", "1234567.5 EUR"), ("Paid", "5.5 EUR"))))
    amount = '<bdi class="money" dir="ltr">1,234,567.50\N{NO-BREAK SPACE}EUR</bdi>'
    assert f'<p class="amount small">{amount}</p>\n<h1' in page
    assert page.count(amount) == 1, "no row repeats it"
    assert '<dd><bdi class="money" dir="ltr">5.50\N{NO-BREAK SPACE}EUR</bdi></dd>' in page
    assert 'class="amount' not in review_page(any_review())


def attached(page: str, *attachments: Attachment) -> Outline:
    views = {
        "review": lambda: review_page(any_review(attachments=attachments)),
        "decided": lambda: any_decided(attachments=attachments),
    }
    return Outline(views[page]())


@pytest.mark.parametrize("page", ["review", "decided"])
def test_an_attachment_is_an_external_link_with_its_host(page: str) -> None:
    outline = attached(page, *ATTACHMENTS)
    outside = {"target": "_blank", "rel": "noopener noreferrer external"}
    assert outline.all("a") == [{"href": attachment.url, **outside} for attachment in ATTACHMENTS]
    text = " ".join(outline.text.split())
    assert "Attachments Offer.pdf files.example.com · another website, opens in a new window" in text
    assert "https://bank.example/login xn--bcher-kva.example:8443 · another website, opens in a new window" in text


@pytest.mark.parametrize("page", ["review", "decided"])
def test_a_page_without_attachments_has_no_attachment_row(page: str) -> None:
    assert attached(page).all("ul") == []
    assert "Attachments" not in attached(page).text


@pytest.mark.parametrize("page", ["review", "decided"])
@pytest.mark.parametrize("url", ["javascript:alert(1)//https://files.example.com/", HOSTILE, ""])
def test_an_attachment_with_an_unsafe_url_has_no_link(page: str, url: str) -> None:
    outline = attached(page, Attachment("Offer.pdf", url))
    assert outline.all("a") == []
    assert "Offer.pdf There is no safe link to open." in " ".join(outline.text.split())


@pytest.mark.parametrize("page", ["review", "decided"])
def test_the_name_of_an_attachment_is_one_isolated_line(page: str) -> None:
    (url,) = {attachment.url for attachment in ATTACHMENTS[:1]}
    outline = attached(page, Attachment("a\u202efdp.exe\n· opens outside", url))
    assert "a\ufffdfdp.exe · opens outside files.example.com" in outline.text


@pytest.mark.parametrize("name", ["", " ", "\u200b\u2060"])
def test_an_invisible_name_is_replaced_by_the_host(name: str) -> None:
    page = review_page(any_review(attachments=(Attachment(name, "https://files.example.com/"),)))
    assert "<bdi>files.example.com</bdi> <span" in page


def said_by(page: str) -> str:
    """Return the head of a result page: what happened, and what is next."""
    return " ".join(Outline(page[page.index('<div class="result">') : page.index("</div>") + 6]).text.split())


LI = "li@example.com"
LATE = Click(TOKEN, "reject", "Too dear")
AT = "on Friday, 21 November 2025, 09:12 UTC"
CLOSE = "There is nothing left for you to do. You can close this page."


@pytest.mark.parametrize(
    ("page", "mark", "says"),
    [
        (
            any_decided(just_now=True),
            "approved",
            "Thank you. You approved this. The request goes on now. You can close this page.",
        ),
        (
            any_decided(just_now=True, outcome="rejected"),
            "rejected",
            "Thank you. You rejected this. The request ends now. You can close this page.",
        ),
        (any_decided(), "approved", f"You approved this Your answer was recorded {AT}. {CLOSE}"),
        (
            any_decided(outcome="rejected", recipient=LI),
            "rejected",
            f"This request is rejected maria@example.com rejected it {AT}. {CLOSE}",
        ),
        (
            any_decided(recipient=LI, votes={LI: Vote(Decision.REJECT, "", NOW)}),
            "closed",
            (
                "This request is approved You rejected it, but others decided. maria@example.com approved it "
                f"{AT}. {CLOSE}"
            ),
        ),
        (
            any_decided(recipient=LI, lost=LATE),
            "closed",
            f"Your rejection was not recorded maria@example.com approved the request before you, {AT}. {CLOSE}",
        ),
        (
            any_decided(lost=LATE),
            "closed",
            f"Your rejection was not recorded You approved it {AT}, and that still counts. {CLOSE}",
        ),
        (
            any_recorded(),
            "approved",
            (
                "Thank you. You approved this. It is not decided yet: one more approval is needed. Not answered yet:"
                " hugo@example.com and li@example.com. Until it is decided, you can change your answer: open your link"
                " again."
            ),
        ),
        (
            any_closed_page(lost=LATE),
            "closed",
            (
                "Your rejection was not recorded The deadline has passed. No decision was made by "
                f"{AT.removeprefix('on ')}, so this request is closed. If a decision is still needed, the person who "
                "asked has to send a new request."
            ),
        ),
        (
            any_closed_page("withdrawn", closed_by="arn:aws:sts::1:assumed-role/operators/olga@example.com"),
            "closed",
            f"This request was withdrawn olga@example.com withdrew it {AT}, before a decision was made. {CLOSE}",
        ),
        (
            any_closed_page("withdrawn", closed_by="arn:aws:iam::111122223333:role/shop"),
            "closed",
            f"This request was withdrawn shop withdrew it {AT}, before a decision was made. {CLOSE}",
        ),
    ],
)
def test_a_result_says_what_is_true_for_its_reader(page: str, mark: str, says: str) -> None:
    assert said_by(page) == says
    assert f'<span class="mark {mark}"' in page


def test_a_vote_that_was_not_recorded_is_given_back_with_its_comment() -> None:
    text = " ".join(Outline(any_decided(recipient=LI, lost=LATE)).text.split())
    assert "Your comment, which was not recordedToo dear" in text


def test_a_result_page_has_the_content_the_requester_and_the_trail() -> None:
    page = any_decided(attachments=ATTACHMENTS, **STORY)
    text = " ".join(Outline(page).text.split())
    for said in (
        *("Requested byana@example.com", "Offer.pdf", "Twelve chairs"),
        *("jon@example.com approved. Fine with me Friday", "ana@example.com asked zoe@example.com."),
        "otto@example.com decides instead of zoe@example.com.",
        *("otto@example.com handed this to maria@example.com.", "li@example.com is away. hugo@example.com decides"),
        *("maria@example.com sent this back with a question.", "ana@example.com answered."),
        *("ana@example.com changed the request.", "maria@example.com approved.", "The request is approved."),
    ):
        assert said in text


def test_a_closed_page_has_no_form_and_shows_the_time() -> None:
    for reason in CLOSED:
        page = any_closed_page(reason)
        assert "<form" not in page
        assert '<time datetime="2025-11-21T09:12:05Z">' in page


def test_the_page_of_an_ended_process_says_that_nothing_is_left_to_do() -> None:
    text = " ".join(Outline(any_closed_page("ended")).text.split())
    for sentence in (
        "This request has ended",
        "The process behind it ended on Friday, 21 November 2025, 09:12 UTC, before a decision was made.",
        *("There is nothing you have to do.", "ask the person who made the request", TITLE),
    ):
        assert sentence in text


def test_the_countdown_warns_within_a_day() -> None:
    assert 'class="left soon"' not in review_page(any_review())
    assert 'class="left soon">Less than a minute left' in review_page(any_review(expires_at=NOW))
