"""Ask for an approval, and wait for the decision: `python ask_and_wait.py ORDER_ID AMOUNT APPROVER`.

People may take days. After a minute the program gives up; start it again, and it waits for the same request.
"""

import os
import sys

from countersign.client import Client


def main(order_id: str, amount: str, approver: str) -> str:
    """Return the decision in words."""
    client = Client(os.environ["API_URL"])
    request_id = f"order-{order_id}"  # from what is asked: a program that crashed asks for the same request again
    order = {
        "order_id": order_id,
        "amount": amount,
        "currency": "EUR",
        "description": "Twelve office chairs",
        "requester": "rita@example.com",
        "approvers": [approver],
    }
    client.request("order-approval", request_id, order)
    report = client.wait(request_id, timeout=60)
    if not report.ended:
        return f"{request_id} waits for {approver}"
    if report.error:
        return f"{request_id} is {report.status}: {report.error.code}"
    return f"{request_id} is {report.result['status']}"


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
