"""Pages, votes, delegations and inboxes, by the links of mails."""

from collections.abc import Mapping
from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.stateful import precondition

import requests_api.handler
import review.handler
from benchmarks.soak.asking import PEOPLE
from benchmarks.soak.clients import Mail
from benchmarks.soak.faults import Fault, Kind
from benchmarks.soak.invariants import COMMENT, ViolationError
from benchmarks.soak.scene import NEAR, PICK, Trouble, action, chosen, is_open
from benchmarks.soak.working import Working
from countersign.domain.tasks import Task
from countersign.domain.tokens import fingerprint
from countersign.testing.builders import any_token
from tests.integration.conftest import Page

OUT_OF_ORDER = (Kind.THROTTLED, Kind.SERVER_ERROR, Kind.UNREACHABLE, Kind.LOST_RESPONSE)
"""The faults of the limiter's counters."""


class People(Working):
    """Approvers, colleagues, mail scanners and strangers."""

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK, page=st.sampled_from(["review", "inbox", "request"]), head=st.booleans())
    def look(self, pick: int, page: str, head: bool) -> None:
        before = self.world.faults.writes
        method = "HEAD" if head else "GET"
        if page == "request":
            path = f"/requests/{self.asked[pick % len(self.asked)]['request_id']}"
            shown = self.world.call(requests_api.handler.handler, "GET", path)
        else:
            query = {"t": self.mail(pick).token}
            shown = self.world.call(review.handler.handler, method, f"/{page}", query=query)
        self.answered("look", shown)
        if self.world.faults.writes != before:
            raise ViolationError(f"{method} of the {page} page has written something")

    @precondition(lambda self: self.world.post.told)
    @action(pick=PICK, head=st.booleans())
    def look_at_the_status(self, pick: int, head: bool) -> None:
        before, query = self.world.faults.writes, {"t": chosen(self.world.post.told, pick).token}
        shown = self.world.call(review.handler.handler, "HEAD" if head else "GET", "/request", query=query)
        self.answered("look", shown)
        if self.world.faults.writes != before:
            raise ViolationError("a look at the status has written something")

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK, decision=st.sampled_from(["approve", "approve", "reject", "return"]), odd=PICK, near=NEAR)
    def click(self, pick: int, decision: str, odd: int, near: Trouble | None) -> None:
        self.arm(near)
        mail = self.mail(pick)
        self.post_click(mail, decision, ("", "", "", "", "stale", "cross-site")[odd % 6])

    def mail(self, pick: int) -> Mail:
        """Return a mail; in three of four cases one of an open task, if there is any."""
        mails = self.world.post.mails
        live = [mail for mail in mails if is_open(self.task_behind(mail))] if pick % 4 else []
        return chosen(live or mails, pick)

    def post_click(self, mail: Mail, decision: str, odd: str = "") -> int:
        """Vote by the link of a mail; return the status, or 0 without a task."""
        task = self.task_behind(mail)
        if task is None:
            return 0
        self.watch.page_shows(task)
        comment = f"{COMMENT} {self.number()}"
        self.watch.secrets.add(comment)
        form = {
            "t": mail.token,
            "decision": decision,
            "comment": comment,
            "shown": "0" * 64 if odd == "stale" else task.shown,
            "task": task.task_id if mail.is_inbox else "",
        }
        site = "cross-site" if odd == "cross-site" else "same-origin"
        page = self.post_form("/review", form, site)
        status = self.answered("click", page)
        if odd and self.watch.has_entry(task.task_id, {"voted", "returned"}, comment=comment):
            raise ViolationError(f"a {odd} click was recorded")
        if status == 200:
            words = f"{mail.recipient} said {decision} to {task.task_id}"
            self.promised(words, lambda: self.voted(task, mail, decision))
        return status

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK, kind=st.sampled_from(OUT_OF_ORDER))
    def click_while_the_counters_are_out_of_order(self, pick: int, kind: Kind) -> None:
        fault = Fault(kind)  # it hits the first call, to the counters; a client over the limit makes none
        with self.world.faults.only(fault):
            status = self.post_click(self.mail(pick), "approve")
        if not fault.times and status in (429, 503):
            raise ViolationError(f"a click was answered {status} because the counters are out of order")

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK)
    def change_a_vote(self, pick: int) -> None:
        mail = self.mail(pick | 1)
        task = self.task_behind(mail)
        vote = task.vote_of(mail.recipient) if task else None
        if task and vote is None:
            self.post_click(mail, "approve")
        self.post_click(mail, "reject")

    def voted(self, task: Task, mail: Mail, decision: str) -> bool:
        """Whether a vote, or a question to the requester, is recorded."""
        person = self.watch.person(mail.recipient)  # a repetition by an alias is not recorded again
        known = {mail.recipient, person, *(name for name in self.watch.names if self.watch.person(name) == person)}
        event, said = ("returned", {}) if decision == "return" else ("voted", {"decision": decision})
        return any(self.watch.has_entry(task.task_id, {event}, actor=name, **said) for name in known)

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK, colleague=st.sampled_from([*PEOPLE, "nora@example.com", "eve@elsewhere.example"]))
    def hand_over(self, pick: int, colleague: str) -> None:
        self.post_delegation(self.mail(pick), colleague)

    def post_delegation(self, mail: Mail, colleague: str) -> None:
        """Delegate the task of a mail, if it has one."""
        task = self.task_behind(mail)
        if task is None:
            return
        form = {"t": mail.token, "colleague": colleague, "task": task.task_id if mail.is_inbox else ""}
        if self.answered("hand over", self.post_form("/delegate", form | {"confirmed": "yes"})) == 200:
            words = f"{mail.recipient} handed {task.task_id} to {colleague}"
            delegation = {"by": mail.recipient, "to": colleague}
            self.promised(words, lambda: self.watch.has_entry(task.task_id, {"delegated"}, **delegation))
            self.promised(f"{words}, who is written to", lambda: self.was_handed(task.task_id, colleague))

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK, near=NEAR)
    def take_back(self, pick: int, near: Trouble | None) -> None:
        if not self.mails_after_delegations():
            self.post_delegation(self.mail(pick | 1), "nora@example.com")
        mails = self.mails_after_delegations()
        if not mails:
            return
        mail = chosen(mails, pick)
        task = self.task_behind(mail)
        made = task.handed_on_by(mail.recipient) if task else None
        assert task
        assert made
        self.arm(near)
        if self.answered("take back", self.post_form("/delegate", {"t": mail.token, "action": "take_back"})) == 200:
            words = f"{mail.recipient} took {task.task_id} back from {made.to}"
            taken = {"by": made.by, "to": made.to}
            self.promised(words, lambda: self.watch.has_entry(task.task_id, {"delegation_taken_back"}, **taken))

    def mails_after_delegations(self) -> list[Mail]:
        """Return the mails to people who have handed the task on."""
        mails = (mail for mail in self.world.post.mails if not mail.is_inbox)
        found = ((mail, self.task_behind(mail)) for mail in mails)
        return [mail for mail, task in found if task and task.handed_on_by(mail.recipient)]

    def was_handed(self, task_id: str, colleague: str) -> bool:
        """Whether a hand-off was sent to a colleague."""
        sent = self.world.bus.envelopes
        return any(
            each["task_id"] == task_id and colleague in each["task"].get("recipients", ())
            for each in sent
            if "task" in each
        )

    @precondition(lambda self: self.world.post.mails)
    @action(pick=PICK)
    def ask_for_the_inbox(self, pick: int) -> None:
        mail = self.mail(pick)
        if not mail.is_inbox:
            self.answered("inbox", self.post_form("/inbox", {"t": mail.token}))

    @precondition(lambda self: self.asked)
    @action(method=st.sampled_from(["GET", "POST"]))
    def guess_a_token(self, method: str) -> None:
        token = any_token("g")
        if method == "GET":
            page = self.world.call(review.handler.handler, "GET", "/review", query={"t": token})
        else:
            page = self.post_form("/review", {"t": token, "decision": "approve"})
        if self.answered("guess", page) not in (404, 429, 502, 503):
            raise ViolationError(f"a token that nobody minted was answered {page.status}")

    def post_form(self, path: str, form: Mapping[str, str], site: str = "same-origin") -> Page:
        """Post a form as a browser does."""
        headers = {"sec-fetch-site": site}
        return self.world.call(review.handler.handler, "POST", path, body=urlencode(form), headers=headers)

    def task_behind(self, mail: Mail) -> Task | None:
        """Return the task of a mail; of an inbox, the first task."""
        ledger = self.world.ledger
        link = ledger.link(fingerprint(mail.token) or "")
        if link is None:  # the kit writes a link before it sends the mail
            raise ViolationError("a mail holds a link that the ledger does not know")
        if not mail.is_inbox:
            return ledger.task(link.task_id)
        return next(iter(ledger.waiting(mail.recipient, self.world.clock.now())), None)
