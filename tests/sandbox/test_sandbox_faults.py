"""The fault menu: each fault at the CPV2 call, on the page and in the postback; and the control API."""

import threading

import httpx
import pytest

from cashier.sandbox.config import ENQUIRY_TEXTS, FAULT_TEXTS, SOAP11_FAULTS, Fault
from tests.helpers.tls import tls
from tests.sandbox.payer import text_of

from .conftest import WAIT_S, Counter, Start, sample


def test_every_fault_is_on_the_page_in_a_closed_panel(counter: Counter) -> None:
    page = counter.register().open().text
    assert sorted([*FAULT_TEXTS, *SOAP11_FAULTS, *ENQUIRY_TEXTS]) == sorted(Fault)
    assert "Training faults" in page and '<details class="faults">' in page
    for fault in Fault:
        assert (f'<option value="{fault}">' in page) is (fault not in SOAP11_FAULTS)
    assert "none chosen" in page


def test_both_lists_of_the_panel_are_kept_apart(counter: Counter) -> None:
    payer = counter.register()
    page = payer.post("fault", fault="no-postback", enquiry="enquiry-stale", step="options").text
    for fault in ("no-postback", "enquiry-stale"):
        assert f'<option value="{fault}" selected>' in page
    assert "now: No postback; enquiry: Says unpaid although it is paid" in text_of(payer.open())
    payer.fault("decline")
    assert (counter.payment()["fault"], counter.payment()["enquiry_fault"]) == ("decline", "enquiry-stale")
    payer.post("fault", fault="", enquiry="", step="options")
    assert (counter.payment()["fault"], counter.payment()["enquiry_fault"]) == (None, None)
    for wrong in ({"fault": "enquiry-stale"}, {"enquiry": "decline"}, {"enquiry": "soap11-off"}):
        assert payer.post("fault", **wrong).status_code == 400


@pytest.mark.parametrize("fault", [Fault.DECLINE, Fault.NO_POSTBACK])
def test_a_default_fault_is_the_payments_own(start: Start, fault: Fault) -> None:
    counter = start(fault=fault)
    page = counter.register().open().text
    assert f'<option value="{fault}" selected>' in page
    assert counter.payment()["fault"] == fault


def test_a_fault_can_be_chosen_and_unchosen(counter: Counter) -> None:
    payer = counter.register()
    assert payer.fault("decline").url.path.endswith("/options")
    assert counter.payment()["fault"] == "decline"
    payer.fault("")
    assert counter.payment()["fault"] is None
    counter.sandbox.set_payment_fault(counter.payment()["token"], "no-postback")
    assert counter.payment()["fault"] == "no-postback"
    assert payer.post("fault", fault="nonsense").status_code == 400
    assert payer.post("fault", fault="", step="//evil.example.org").url.path.endswith("/options")
    missing = counter.sandbox.control.post("/sandbox/payments/0/fault", json={"fault": None})
    assert missing.status_code == 404


def test_decline_at_the_page_then_paid_without_the_fault(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("decline")
    assert "DECLINED - DO NOT HONOR" in payer.pay().text
    assert counter.biller.wait(1)[0]["Approved"] == "False"
    payer.fault("")
    assert "APPROVED" in payer.pay().text
    told = counter.biller.wait(2)
    assert [form["Approved"] for form in told] == ["False", "True"]
    assert told[0]["PaymentGUID"] != told[1]["PaymentGUID"]


# --- at the CPV2 call


def test_slow_answers_late_and_right(start: Start) -> None:
    counter = start(fault=Fault.SLOW, slow_s=0.5)
    with pytest.raises(httpx.ReadTimeout):
        counter.call(sample("mcci"), timeout=0.1)
    assert counter.call(sample("mcci")).status_code == 200
    assert (counter.payment()["cpv2_calls"], counter.payment()["fault"]) == (2, None)


def test_error_500_registers_nothing(start: Start) -> None:
    counter = start(fault=Fault.ERROR_500)
    answer = counter.call(sample("mcci"))
    assert (answer.status_code, answer.json()) == (500, {"Message": "An error has occurred."})
    assert counter.sandbox.payments() == []


def test_garbage_json_registers_and_the_retry_is_the_same_payment(start: Start) -> None:
    counter = start(fault=Fault.GARBAGE_JSON, fault_times=1)
    answer = counter.call(sample("mcci"))
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r".*"):
        answer.json()
    assert counter.call(sample("mcci")).json()["Data"]["CloudPaymentURL"]
    assert (counter.payment()["cpv2_calls"], counter.payment()["fault"]) == (2, None)


def test_timeout_after_success_registers_and_never_answers(start: Start) -> None:
    counter = start(fault=Fault.TIMEOUT_AFTER_SUCCESS, fault_times=1)
    with pytest.raises(httpx.ReadTimeout):
        counter.call(sample("mcci"), timeout=0.2)
    assert counter.payment()["state"] == "open"
    assert counter.call(sample("mcci")).status_code == 200
    assert [call["outcome"] for call in counter.sandbox.calls()] == ["timeout-after-success", "registered"]


def test_an_answer_that_never_comes_does_not_hold_the_server_up(start: Start) -> None:
    counter = start(fault=Fault.TIMEOUT_AFTER_SUCCESS)
    outcome: list[int] = []
    with httpx.Client(verify=tls(), base_url=counter.sandbox.url, trust_env=False, timeout=WAIT_S) as client:

        def call() -> None:
            answer = client.post("/cloudpaymentsapi/v2", json=sample_floats(), auth=("training-api-key", ""))
            outcome.append(answer.status_code)

        waiting = threading.Thread(target=call)
        waiting.start()
        while not counter.sandbox.calls():
            pass
        assert waiting.is_alive()
        counter.sandbox.stop()
        waiting.join(WAIT_S)
    assert outcome == [503]


def sample_floats() -> dict[str, object]:
    request = sample("mcci")
    request["Customers"][0]["Invoices"][0] |= {
        "BalanceDue": "180.00",
        "CCServiceFee": "0",
        "AchServiceFee": "0",
        "MinimumAmountDue": "40.00",
    }
    return request


# --- on the page


def test_slow_processing_still_charges_once(start: Start) -> None:
    counter = start(slow_s=0.3)
    payer = counter.register()
    payer.fault("slow")
    payer.to_review()
    pages: list[httpx.Response] = []
    presses = [threading.Thread(target=lambda: pages.append(payer.process())) for _ in range(2)]
    for press in presses:
        press.start()
    for press in presses:
        press.join(WAIT_S)
    assert [page.url.path.rsplit("/")[-1] for page in pages] == ["receipt", "receipt"]
    assert counter.payment()["attempts"] == 1


def test_error_500_on_the_page_charges_nothing(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("error-500")
    page = payer.pay()
    assert (page.status_code, "was not processed" in page.text) == (500, True)
    assert counter.payment()["attempts"] == 0
    payer.fault("")
    assert "Thank you" in payer.pay().text


def test_garbage_after_the_charge(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("garbage-json")
    assert "Thank you" not in payer.pay().text
    assert counter.payment()["state"] == "paid"
    assert counter.biller.wait(1)[0]["Approved"] == "True"
    assert "Thank you" in payer.open().text


def test_charged_and_never_answered(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("timeout-after-success")
    payer.to_review()
    payer.client.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        payer.process()
    assert counter.biller.wait(1)[0]["Approved"] == "True"
    assert counter.payment()["state"] == "paid"


def test_renderer_crash_page_follows_the_charge(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("renderer-crash")
    page = payer.pay()
    assert page.url.path.endswith("/crash")
    assert "/cloudpay/static/crash.js" in page.text and "chrome://crash" in page.text
    assert counter.biller.wait(1)[0]["Approved"] == "True"


# --- in the postback


def test_no_postback(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("no-postback")
    assert "Thank you" in payer.pay().text
    payment = counter.payment()
    assert (payment["state"], payment["postbacks"]) == ("paid", [])
    # Whatever had been sent would have come before a later payment's.
    counter.register("sagesgov").pay()
    assert [form["BillerReference"] for form in counter.biller.wait(1)] == ["700001"]


def test_late_postback_waits_for_its_release(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("late-postback")
    assert "Thank you" in payer.pay().text
    assert [postback["state"] for postback in counter.payment()["postbacks"]] == ["held"]
    assert counter.biller.forms == []
    assert (counter.sandbox.release_late(), counter.sandbox.release_late()) == (1, 0)
    assert counter.biller.wait(1)[0]["Approved"] == "True"


def test_late_postback_goes_by_itself_in_time(start: Start) -> None:
    counter = start(fault=Fault.LATE_POSTBACK, late_s=0.2)
    counter.register().pay()
    counter.wait_postbacks(1)
    assert counter.sandbox.release_late() == 0
    assert len(counter.biller.forms) == 1


def test_double_postback(counter: Counter) -> None:
    payer = counter.register("grancius")
    payer.fault("double-postback")
    payer.pay()
    counter.wait_postbacks(4)
    forms = counter.biller.wait(4)
    assert forms[:2] == forms[2:]
    assert len(counter.payment()["charges"]) == 1


@pytest.mark.parametrize(
    ("fault", "name", "value"),
    [
        (Fault.WRONG_AMOUNT, "PaymentAmount", "75.49"),
        (Fault.WRONG_REFERENCE, "BillerReference", sample("cloudpermit")["BillerReference"] + "-WRONG"),
        (Fault.APPROVED_MAYBE, "Approved", "maybe"),
    ],
)
def test_a_distorted_postback_of_a_true_charge(counter: Counter, fault: Fault, name: str, value: str) -> None:
    payer = counter.register()
    payer.fault(fault)
    assert "Process Payment $77.39" in text_of(payer.to_review())
    payer.process()
    true = {
        "PaymentAmount": "75.50",
        "BillerReference": sample("cloudpermit")["BillerReference"],
        "Approved": "True",
    }
    (form,) = counter.biller.wait(1)
    assert {key: form[key] for key in true} == {**true, name: value}
    assert counter.payment()["charges"][0]["amount_cents"] == 7550


def test_postback_before_the_page_shows_success(counter: Counter) -> None:
    payer = counter.register()
    payer.fault("postback-before-page")
    payer.to_review()
    answered = threading.Event()
    seen: list[bool] = []
    counter.biller.on_post = lambda: seen.append(answered.is_set())
    payer.process()
    answered.set()
    assert seen == [False]
    assert counter.payment()["postbacks"][0]["state"] == "delivered"
