"""Requesters: they answer, revise and withdraw what approvers have sent back, by the links of their mails."""

from decimal import Decimal
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import precondition

from benchmarks.soak.clients import Mail
from benchmarks.soak.invariants import COMMENT, ViolationError
from benchmarks.soak.people import People
from benchmarks.soak.scene import NEAR, PICK, Trouble, action, chosen, is_open
from countersign.domain import money
from countersign.domain.tasks import Task
from countersign.domain.tokens import fingerprint

MORE = ("-10", "-10", "-0.01", "0", "0.01", "300")
"""What a revision adds to the amount; anything above zero is refused."""

UNCHANGED = Decimal(0)
FEW = st.integers(0, 7).map(lambda number: number == 7)

WORK = st.lists(PICK, max_size=8)
"""The jobs of the kit that are done next: without them, few requests would get further."""

ENTRIES = {"answer": "answered_back", "revise": "revised", "withdraw": "cancelled"}
"""The audit's word for each act."""


class Requesters(People):
    """The requester of every approval."""

    @precondition(lambda self: self.live_mails())
    @action(pick=PICK, picks=WORK)
    def send_back(self, pick: int, picks: list[int]) -> None:
        self.post_click(chosen(self.live_mails(), pick), "return")
        self.the_kit_goes_on(picks)

    def the_kit_goes_on(self, picks: list[int]) -> None:
        for pick in picks:
            self.work(pick)

    def live_mails(self) -> list[Mail]:
        """Return the mails to approvers of open tasks that do not wait for their requester."""
        found = ((mail, self.task_behind(mail)) for mail in self.world.post.mails)
        return [mail for mail, task in found if task and is_open(task) and not task.returned]

    @precondition(lambda self: self.status_mails())
    @action(pick=PICK, is_stale=FEW, near=NEAR, picks=WORK)
    def the_requester_answers(self, pick: int, is_stale: bool, near: Trouble | None, picks: list[int]) -> None:
        self.act("answer", pick, near, picks, is_refused=is_stale)

    @precondition(lambda self: self.status_mails())
    @action(pick=PICK, more=st.sampled_from(MORE), is_stale=FEW, near=NEAR, picks=WORK)
    def the_requester_revises(
        self, pick: int, more: str, is_stale: bool, near: Trouble | None, picks: list[int]
    ) -> None:
        self.act("revise", pick, near, picks, Decimal(more), is_refused=is_stale)

    @precondition(lambda self: self.status_mails())
    @action(pick=PICK, is_stale=FEW, near=NEAR)
    def the_requester_withdraws(self, pick: int, is_stale: bool, near: Trouble | None) -> None:
        if pick % 2 == 0:  # with every request withdrawn, nothing remains to be decided
            self.act("withdraw", pick, near, [], is_refused=is_stale)

    def act(
        self,
        what: str,
        pick: int,
        near: Trouble | None,
        picks: list[int],
        more: Decimal = UNCHANGED,
        *,
        is_refused: bool,
    ) -> None:
        """Post the form of a requester's page, and let the kit go on."""
        mail = chosen(self.status_mails(), pick)
        task = self.level_behind(mail)
        if task is None:
            return
        self.watch.page_shows(task)
        self.arm(near)
        text = f"{COMMENT} {self.number()}"
        self.watch.secrets.add(text)
        amount, _ = money.parsed(task.question.amount) or (UNCHANGED, "")
        form = {"t": mail.token, "action": what, "comment": text, "shown": "0" * 64 if is_refused else task.shown}
        if what == "revise":
            form |= {"amount": f"{amount + more:f}", "title": f"Order {self.number()}"}
        self.figures[f"act {what}"] += (status := self.answered("act", self.post_form("/request", form))) == 200
        is_recorded = partial(self.watch.has_entry, task.task_id, {ENTRIES[what]})
        if (is_refused or more > 0) and is_recorded(comment=text):
            raise ViolationError(f"{form} was recorded for {task}")
        if status == 200:  # a second withdrawal repeats the first, with another reason
            is_as_said = is_recorded if what == "withdraw" else partial(is_recorded, comment=text)
            self.promised(f"{what} of {task.task_id}", is_as_said)
        self.the_kit_goes_on(picks)
        if pick % 2 and (mails := self.live_mails()):
            self.post_click(mails[-1], "approve")

    def status_mails(self) -> list[Mail]:
        """Return the mails with a status link; those of returned tasks, if there are any."""
        mails = self.world.post.told
        waiting = [mail for mail in mails if (task := self.level_behind(mail)) and task.returned and is_open(task)]
        return waiting or mails

    def level_behind(self, mail: Mail) -> Task | None:
        """Return the task that a requester's page shows: of a chain, the level that was opened last."""
        link = self.world.ledger.status_link(fingerprint(mail.token) or "")
        if link is None:
            raise ViolationError("a mail holds a status link that the ledger does not know")
        task = self.world.ledger.task(link.task_id)
        levels = self.world.ledger.with_tasks(task.request_id)[1] if task else []
        return max((each for each in levels if each.opened_at), key=lambda each: str(each.opened_at), default=task)
