"""What is planned for the next payment alone, two faults that only a plan makes sense of, and the line."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from cashier.sandbox.config import SandboxConfig
from tests.helpers.tls import tls
from tests.sandbox.test_sandbox_soap import INVOICE, V12, ask

from .conftest import NOW, WAIT_S, Counter, Start, sample


def other(counter: Counter, number: int) -> dict[str, Any]:
    """A registration of another invoice than the sample's."""
    request = sample("cloudpermit", PostBackURL=counter.biller.url, BillerReference=f"other-{number}")
    request["Customers"][0]["Invoices"][0]["InvoiceNumber"] = f"OTHER-{number}"
    return request


def planned(counter: Counter) -> Any:
    return counter.sandbox.control.get("/sandbox/next").json()["next"]


def test_a_plan_is_for_the_next_payment_and_no_other(counter: Counter) -> None:
    counter.sandbox.plan(fault="decline")
    assert planned(counter) == {
        "fault": "decline",
        "enquiry_fault": None,
        "enquiry_ms": None,
        "late_ms": None,
    }
    counter.register()
    assert planned(counter) is None
    assert counter.call(other(counter, 2)).status_code == 200
    assert [payment["fault"] for payment in counter.sandbox.payments()] == ["decline", None]


def test_sending_a_payment_again_does_not_use_the_plan_of_the_next(counter: Counter) -> None:
    counter.register()
    counter.sandbox.plan(fault="decline")
    counter.register()
    assert planned(counter)["fault"] == "decline"
    assert counter.payment()["fault"] is None


def test_a_plan_can_be_dropped(counter: Counter) -> None:
    counter.sandbox.plan(fault="decline")
    counter.sandbox.plan()
    counter.register()
    assert (planned(counter), counter.payment()["fault"]) == (None, None)


@pytest.mark.parametrize(
    "members",
    [{"fault": "nosuch"}, {"enquiry_fault": "decline"}, {"late_ms": 600_001}, {"enquiry_ms": "soon"}],
)
def test_a_plan_that_cannot_be_read_is_refused(counter: Counter, members: dict[str, object]) -> None:
    assert counter.sandbox.control.post("/sandbox/next", json=members).status_code == 400
    assert planned(counter) is None


def test_a_planned_postback_is_late_by_its_own_time_whatever_the_sandbox_has(counter: Counter) -> None:
    counter.sandbox.plan(late_ms=50)
    payer = counter.register()
    assert "Thank you" in payer.pay().text
    assert counter.biller.wait(1)[0]["Approved"] == "True"


def test_a_planned_fault_of_enquiries_ends_in_its_time(start: Start) -> None:
    now = [NOW]
    counter = start(clock=lambda: now[0])
    counter.sandbox.plan(fault="no-postback", enquiry_fault="enquiry-stale", enquiry_ms=12_000)
    payer = counter.register()
    payer.pay()
    number = counter.payment()["invoices"][0]
    balances = []
    for seconds in (0, 11, 12):
        now[0] = NOW + timedelta(seconds=seconds)
        balances.append(ask(counter, INVOICE, V12, InvoiceNumber=number)["BalanceDue"])
    assert balances[0] == balances[1] != "0.00"
    assert balances[2] == "0.00"


def test_close_then_charge_charges_once_the_page_is_gone(start: Start) -> None:
    counter = start(after_close_s=0.0)
    payer = counter.register()
    payer.fault("close-then-charge")
    payer.to_review()
    payer.client.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        payer.process()
    assert counter.biller.wait(1)[0]["Approved"] == "True"
    assert counter.payment()["state"] == "paid"


def test_a_page_that_nobody_closes_is_charged_in_the_end(start: Start) -> None:
    counter = start(close_wait_s=0.0, after_close_s=0.0)
    payer = counter.register()
    payer.fault("close-then-charge")
    assert "Thank you" in payer.pay().text
    assert SandboxConfig().close_wait_s > SandboxConfig().after_close_s > 0


def test_a_double_charge_takes_the_money_twice_and_tells_both(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("double-charge")
    assert "Thank you" in payer.pay().text
    told = counter.biller.wait(2)
    assert len({form["PaymentGUID"] for form in told}) == 2
    assert len({form["PaymentAmount"] for form in told}) == 1
    assert len(counter.sandbox.charges()) == 2


def test_a_declined_card_is_not_charged_twice(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("double-charge")
    payer.pay("4000 0000 0000 0002")
    assert counter.sandbox.charges() == []


def test_a_line_that_is_down_drops_everything_but_the_control_api(counter: Counter) -> None:
    url = f"{counter.sandbox.url}/api/v1/biller/status"
    with httpx.Client(verify=tls(), trust_env=False, timeout=WAIT_S) as client:
        assert client.get(url).status_code == 401
        counter.sandbox.set_line(down=True)
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                client.get(url)
        assert counter.sandbox.control.get("/sandbox/line").json() == {"down": True}
        counter.sandbox.set_line(down=False)
        assert client.get(url).status_code == 401
    assert counter.sandbox.control.post("/sandbox/line", json={"down": "perhaps"}).status_code == 400
