"""The words of pages and mails in English.

A text is a `str.format` template. A text with a count has a key for each category that CLDR gives the language, such as
`….one` and `….other`.
"""

TEXTS = {
    "language": "en",
    "direction": "ltr",
    "page.title.problem": "Not recorded: {title}",
    "page.foot": "This page never asks for a password or a card number.",
    "title.label": "What is asked",
    "value.empty": "–",
    "person": "{name} ({address})",
    "people.two": "{first} and {last}",
    "people.more": "{first}, {last}",
    # Time.
    "left.days.other": "{count} days left",
    "left.hours.other": "{count} hours left",
    "left.minutes.one": "{count} minute left",
    "left.minutes.other": "{count} minutes left",
    "left.moment": "Less than a minute left",
    # Attachments, on the review page and the result pages.
    "attachments": "Attachments",
    "attachments.outside": "{host} · another website, opens in a new window",
    "attachments.unlinked": "There is no safe link to open.",
    # The review page.
    "review.status": "Your decision is needed",
    "review.until": "Please decide by {moment}.",
    "review.requester": "Requested by",
    "on_behalf_of": "On behalf of",
    "review.submitted_by": "Submitted by",
    "review.others": "Also asked to decide",
    "review.progress": "So far",
    "review.progress.text": "{approvals} of {needed} approvals",
    "review.status.barred": "Somebody else decides this",
    "review.voted.approve": "You approved this on {moment}.",
    "review.voted.reject": "You rejected this on {moment}.",
    "review.change": "Change your answer",
    "review.comment": "Comment",
    "review.comment.add.optional": "Add a comment",
    "review.comment.add.required_on_reject": "Add a comment (needed to reject)",
    "review.comment.hint": "Kept with your decision. At most {limit} characters; more cannot be typed here.",
    "review.approve": "Approve",
    "review.reject": "Reject",
    "review.next": "If you approve, the request goes on at once. If you reject, it ends. Your decision is final.",
    "review.next.shared": (
        "Others are asked as well. Until enough people have decided, you can change your answer and your comment here."
    ),
    "review.owner": "This link is for {recipient}: a decision made here is recorded as yours.",
    "review.barred.own_request": (
        "You made this request yourself, or it was made on your behalf, so somebody else has to decide."
    ),
    "review.barred.decides_elsewhere": (
        "You decide another step of this request, so somebody else has to decide this one."
    ),
    "review.barred.too_many_answers": (
        "You have changed your answer too often, so it can no longer be changed here. The last one stands."
    ),
    "review.problem": "Nothing is decided yet",
    "review.problem.comment_too_long": (
        "Your comment has {length} characters; at most {limit} are allowed. Please shorten it and decide again."
    ),
    "review.problem.comment_missing": "This decision needs a comment. Please say why, and decide again.",
    "review.problem.unknown_decision": "Please press Approve or Reject.",
    "review.problem.details_changed": (
        "The details below have changed since you opened this page. Please read them again before you decide."
    ),
    "review.instead_of": "You are deciding in place of {person}.",
    "review.problem.delegation_no_address": "That is not an e-mail address. Please check it.",
    "review.problem.delegation_requester": (
        "You cannot hand this to the person who made the request, or for whom it was made."
    ),
    "review.problem.delegation_asked_already": "That person is involved already. Please choose somebody else.",
    "review.problem.delegation_outsider": "You can only hand this to somebody in your own organisation.",
    "review.problem.delegation_answered": (
        "You have answered already, so you cannot hand this over. You can still change your answer here."
    ),
    "review.problem.delegation_only_once": "A colleague handed this to you, so you cannot pass it on again.",
    "confirm.approve": "Approve this?",
    "confirm.reject": "Reject this?",
    "confirm.text": "Nothing is decided yet. Please read it once more, then confirm.",
    "confirm.comment": "Your comment",
    "confirm.approve.action": "Yes, approve",
    "confirm.reject.action": "Yes, reject",
    "confirm.back": "Back, without deciding",
    "delegate.problem": "Not handed over",
    "delegate.heading": "Hand this to a colleague instead",
    "delegate.hint": (
        "Your colleague gets a message with their own link and decides for you. You can take it back until they have"
        " answered."
    ),
    "delegate.colleague": "Your colleague’s e-mail address",
    "delegate.action": "Hand it over",
    "delegate.confirm": "Is this the right address?",
    "delegate.confirm.text": "{person} gets a message with their own link and decides for you.",
    "delegate.back": "No, go back",
    "handed_over": "Somebody else decides this now",
    "handed_over.text": "On {moment}, {person} was asked to decide for you.",
    "handed_over.next": "There is nothing left for you to do. You can close this page.",
    "handed_over.answered": "Your colleague has answered, so you cannot take it back. You can close this page.",
    "handed_over.back": "Until your colleague has answered, you can take it back and decide yourself.",
    "handed_over.action": "Take it back",
    "taken_back": "You decide this again",
    "taken_back.text": "We tell {person} that their link does not work any more.",
    "taken_back.next": "You can decide now, or later with the link in your message.",
    "taken_back.action": "Read and decide",
    "replaced": "You are not asked any more",
    "replaced.text": "On {moment}, {person} took this back, and decides it themselves.",
    "replaced.next": "There is nothing left for you to do. You can close this page.",
    "reassigned": "You are not asked any more",
    "reassigned.text": "On {moment}, {person} was asked to decide this in your place.",
    "reassigned.next": "There is nothing left for you to do. You can close this page.",
    "inbox.offer": "Are other requests waiting for you?",
    "inbox.offer.action": "E-mail me the list",
    "inbox": "Waiting for your decision",
    "inbox.owner": "These requests are waiting for {recipient}.",
    "inbox.empty": "Nothing is waiting for you.",
    "inbox.full": "The list shows the {count} requests with the least time left.",
    "inbox.answered": "You have answered. This request now waits for others.",
    "inbox.sent": "Please check your e-mail",
    "inbox.sent.text": "We have sent {person} a link to the list of all waiting requests.",
    "inbox.sent.next": "You can close this page, or go back to decide.",
    "problem.inbox_expired": "This link has expired",
    "problem.inbox_expired.text": "For your safety, the link to your list only works for 24 hours.",
    "problem.inbox_expired.next": (
        "Open the link in your e-mail about a request that is still waiting. At the end of the page, you can ask for a"
        " new list."
    ),
    "problem.too_many_lists": "No more lists from this page",
    "problem.too_many_lists.text": "This page has already sent you your list 20 times. No further e-mail was sent.",
    "problem.too_many_lists.next": "Use the newest of these e-mails, or ask for the list on another request’s page.",
    # The result pages.
    "decided.thanks.approved": "Thank you. Your approval is recorded.",
    "decided.thanks.rejected": "Thank you. Your rejection is recorded.",
    "decided.done.approved": "This request is approved",
    "decided.done.rejected": "This request is rejected",
    "decided.conflict.approved": "Already approved",
    "decided.conflict.rejected": "Already rejected",
    "decided.conflict": "Another answer was recorded before yours. Your answer was not recorded and changes nothing.",
    "decided.next": "The decision takes effect now. You can close this page.",
    "decided.nothing": "There is nothing left for you to do. You can close this page.",
    "decided.outcome": "Decision",
    "decided.outcome.approved": "Approved",
    "decided.outcome.rejected": "Rejected",
    "decided.by": "Decided by",
    "decided.at": "Decided on",
    "decided.comment": "Comment",
    "decided.owner": "This link is for {recipient}.",
    "recorded": "Thank you. Your answer is recorded.",
    "recorded.text": "Others are asked as well, and not enough of them have decided yet.",
    "recorded.next": (
        "Until enough people have decided, you can change your answer: open the link from your e-mail again."
    ),
    "closed.expired": "The deadline has passed",
    "closed.expired.text": "No decision was made by {moment}, so this request is closed.",
    "closed.expired.next": "If a decision is still needed, the person who asked has to send a new request.",
    "closed.withdrawn": "This request was withdrawn",
    "closed.withdrawn.text": "It was withdrawn on {moment}, before a decision was made.",
    "closed.withdrawn.next": "There is nothing left for you to do. You can close this page.",
    "closed.because": "Reason",
    "closed.ended": "This request has ended",
    "closed.ended.text": "The process behind it ended on {moment}, before a decision was made.",
    "closed.ended.next": "There is nothing you have to do. If you have questions, ask the person who made the request.",
    # Error pages.
    "problem.unknown_link": "This link is not valid",
    "problem.unknown_link.text": "We found no request for this link. The link may have been cut off when copied.",
    "problem.unknown_link.next": "Open the link in your e-mail again. If you copy it, copy all of it.",
    "problem.unknown_path": "There is no page at this address",
    "problem.unknown_path.text": "The address may be incomplete or out of date. Nothing was recorded.",
    "problem.unknown_path.next": "Open the link in your e-mail again. If you copy it, copy all of it.",
    "problem.cross_site": "Your answer was not accepted",
    "problem.cross_site.text": "It was sent from another website, so we did not count it. Nothing is decided.",
    "problem.cross_site.next": "Open the link from your e-mail again and answer on the page that it shows.",
    "problem.own_request": "Somebody else has to decide",
    "problem.own_request.text": (
        "You made this request yourself, or it was made on your behalf, so your answer does not count. Nothing is"
        " decided."
    ),
    "problem.own_request.next": "There is nothing left for you to do. The other approvers have their own links.",
    "problem.decides_elsewhere": "Somebody else has to decide",
    "problem.decides_elsewhere.text": (
        "You decide another step of this request, so your answer does not count here. Nothing is decided."
    ),
    "problem.decides_elsewhere.next": (
        "If nobody else was asked to decide, tell the person who made the request to ask somebody else."
    ),
    "problem.bad_request": "We could not read your answer",
    "problem.bad_request.text": "It reached us incomplete, so we did not count it. Nothing is decided.",
    "problem.bad_request.next": "Open the link from your e-mail again and decide there.",
    "problem.too_large": "Your answer is too long",
    "problem.too_large.text": "It is longer than we accept, so we did not count it. Nothing is decided.",
    "problem.too_large.next": "Open the link from your e-mail again and write a shorter comment.",
    "problem.try_again": "Please try again in a minute",
    "problem.try_again.text": (
        "Something on our side took too long. As far as we know, nothing was recorded. Your link still works."
    ),
    "problem.try_again.next": "Open the link from your e-mail again: the page shows the current state.",
    "problem.too_many": "Too many requests",
    "problem.too_many.text": "Too many requests came from your network within a minute. Nothing was recorded.",
    "problem.too_many.next.one": "Your link still works: please try again in a second.",
    "problem.too_many.next.other": "Your link still works: please try again in {count} seconds.",
    # Mail.
    "mail.subject.requested": "Please decide: {title}",
    "mail.subject.reminder": "Reminder ({left}): {title}",
    "mail.subject.escalated": "Passed on to you, please decide: {title}",
    "mail.subject.both": "{first} · {last}",
    "mail.subject.stage": "[{stage}] {subject}",
    "mail.intro.requested": "{requester} asks you for a decision.",
    "mail.intro.reminder": "{requester} is still waiting for your decision. {left}.",
    "mail.intro.escalated": "{requester} made a request that nobody has decided yet. It has been passed on to you.",
    "mail.subject.approved": "Approved: {title}",
    "mail.subject.rejected": "Rejected: {title}",
    "mail.subject.expired": "Not decided in time: {title}",
    "mail.subject.withdrawn": "Withdrawn: {title}",
    "mail.intro.approved": "Your request was approved.",
    "mail.intro.rejected": "Your request was rejected.",
    "mail.intro.expired": "Nobody decided your request in time, so it is closed.",
    "mail.intro.withdrawn": "An operator withdrew your request before it was decided.",
    "mail.subject.returned": "Please answer: {title}",
    "mail.intro.returned": "Your request was sent back to you with a question. Nobody can decide it until you answer.",
    "mail.returned.by": "Asked by",
    "mail.returned.comment": "Their question",
    "mail.returned.until": "Answer by",
    "mail.returned.action": "Read and answer",
    "mail.returned.action.text": "Answer the question, or change or withdraw your request, on this page:",
    "mail.returned.personal": (
        "This link is personal to {recipient}: what is done with it is recorded as yours. Do not forward it."
    ),
    "mail.returned.safe": "Opening the page changes nothing. The time to decide keeps running until you answer.",
    "mail.outcome.by": "Decided by",
    "mail.outcome.comment": "Comment",
    "mail.outcome.until": "Link works until",
    "mail.outcome.action": "See your request",
    "mail.outcome.action.text": "See your request, what was decided, by whom and when, on this page:",
    "mail.outcome.personal": "This link is personal to {recipient}. Do not forward it.",
    "mail.outcome.safe": "You get this message because you made the request. There is nothing you have to do.",
    "mail.instead_of": "You are asked instead of {person}.",
    "mail.subject.inbox": "Requests waiting for your decision",
    "mail.inbox.intro": "You asked for the list of all requests waiting for your decision.",
    "mail.inbox.action": "Show what is waiting for me",
    "mail.inbox.until": "This link works until {moment}.",
    "mail.inbox.personal": (
        "It is personal to {recipient}: decisions made from it are recorded as yours. Do not forward it."
    ),
    "mail.row": "{label}: {value}",
    "mail.attachments": "Attachments (open them from the page)",
    "mail.attachments.more": "{first}; {last}",
    "mail.requester": "Requested by",
    "mail.others": "Also asked",
    "mail.rule": "Who decides",
    "mail.rule.any": "The first of you to answer decides",
    "mail.rule.all": "All {voters} have to approve",
    "mail.rule.quorum": "{needed} of {voters} have to approve",
    "mail.until": "Decide by",
    "mail.preheader": "{requester} asks. Please decide by {moment}.",
    # Messages in Slack.
    "slack.more": "The page shows more.",
    "slack.closed.approved": "This request is approved. There is nothing left for you to do.",
    "slack.closed.rejected": "This request is rejected. There is nothing left for you to do.",
    "slack.closed.expired": "Nobody decided in time. There is nothing left for you to do.",
    "slack.closed.cancelled": "This request was withdrawn. There is nothing left for you to do.",
    "slack.closed.moot": "You are no longer asked to decide this. There is nothing left for you to do.",
    "mail.why": "You get this message because a request in {name} names you.",
    "mail.clipped": "{text} … (the rest is on the page)",
    "mail.action": "Read and decide",
    "mail.action.text": "Read the details, then approve or reject, on this page:",
    "mail.personal": (
        "This link is personal to {recipient}: a decision made with it is recorded as yours. Do not forward it."
    ),
    "mail.safe": "Opening the page decides nothing. You decide with the buttons on the page.",
    "mail.stage": "This message comes from the {stage} system, not from production.",
}
