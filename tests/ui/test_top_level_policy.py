"""Where a payment page may go, decided on text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cashier.domain.errors import Refused
from cashier.ui.top_level_policy import TopLevelPolicy, Verdict, host_of

ALLOW, RETURN, BLOCK = Verdict.ALLOW, Verdict.RETURN, Verdict.BLOCK
REAL = TopLevelPolicy.of(
    ["https://www.invoicecloud.com", "https://pay.example.org:8443/"],
    "https://permits.example.org/return?juri=5",
)
TRAINING = TopLevelPolicy.of(["http://127.0.0.1:5001"], "https://permits.example.org/back/", training=True)


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://www.invoicecloud.com/pay?id=1", ALLOW),
        ("https://WWW.invoicecloud.com:443/pay", ALLOW),
        ("https://pay.example.org:8443/x", ALLOW),
        ("https://pay.example.org/x", BLOCK),
        ("https://www.invoicecloud.com:444/", BLOCK),
        ("http://www.invoicecloud.com/", BLOCK),
        ("https://www.invoicecloud.com.evil.example/", BLOCK),
        ("https://evil.example/?www.invoicecloud.com", BLOCK),
        ("https://www.invoicecloud.com@evil.example/", BLOCK),
        ("https://user@www.invoicecloud.com/", BLOCK),
        ("https://evil.example\\@www.invoicecloud.com/", BLOCK),
        ("https://www.invoicecloud.com:99999/", BLOCK),
        ("https://www.invoicecloud.com /", BLOCK),
        ("https://permits.example.org/return", RETURN),
        ("https://permits.example.org/return?juri=5&x=1#y", RETURN),
        ("https://permits.example.org/return/done", RETURN),
        ("https://permits.example.org/returned", BLOCK),
        ("https://permits.example.org/", BLOCK),
        ("http://permits.example.org/return", BLOCK),
        ("wss://www.invoicecloud.com/", BLOCK),
        ("http://127.0.0.1/", BLOCK),
        ("about:blank", BLOCK),
        ("data:text/html,x", BLOCK),
        ("blob:https://www.invoicecloud.com/1", BLOCK),
        ("file:///etc/passwd", BLOCK),
        ("view-source:https://www.invoicecloud.com/", BLOCK),
        ("chrome://crash", BLOCK),
        ("javascript:alert(1)", BLOCK),
        ("https://[broken/", BLOCK),
        ("https://", BLOCK),
        ("", BLOCK),
    ],
)
def test_top_level(url: str, verdict: Verdict) -> None:
    assert REAL.decide(url, True) is verdict


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("https://www.google.com/recaptcha/frame", ALLOW),
        ("about:blank", ALLOW),
        ("about:srcdoc", ALLOW),
        ("https://permits.example.org/return", RETURN),
        ("http://www.invoicecloud.com/", BLOCK),
        ("data:text/html,x", BLOCK),
        ("file:///etc/passwd", BLOCK),
    ],
)
def test_sub_frame(url: str, verdict: Verdict) -> None:
    assert REAL.decide(url, False) is verdict


@pytest.mark.parametrize(
    ("url", "allowed", "allowed_in_training"),
    [
        ("https://www.gstatic.com/recaptcha.js", True, True),
        ("wss://www.invoicecloud.com/socket", True, True),
        ("data:image/png;base64,AA==", True, True),
        ("blob:https://www.invoicecloud.com/1", True, True),
        ("http://127.0.0.1:5001/style.css", False, True),
        ("ws://localhost:1/x", False, True),
        ("http://[::1]:1/x", False, True),
        ("http://127.0.0.2/x", False, False),
        ("http://192.0.2.1/x", False, False),
        ("ws://example.org/x", False, False),
        ("file:///etc/passwd", False, False),
        ("ftp://example.org/", False, False),
        ("qrc:/x", False, False),
        ("", False, False),
    ],
)
def test_resources(url: str, allowed: bool, allowed_in_training: bool) -> None:
    assert REAL.allows_resource(url) is allowed
    assert TRAINING.allows_resource(url) is allowed_in_training


def test_training_takes_http_on_this_machine() -> None:
    assert TRAINING.decide("http://127.0.0.1:5001/pay", True) is ALLOW
    assert TRAINING.decide("http://127.0.0.1:5002/pay", True) is BLOCK
    assert TRAINING.decide("https://permits.example.org/back/?a=1", True) is RETURN
    assert TRAINING.decide("https://permits.example.org/back", True) is BLOCK


def test_a_page_without_a_return_url_never_returns() -> None:
    policy = TopLevelPolicy.of(["https://www.invoicecloud.com"], None)
    assert policy.decide("https://www.invoicecloud.com/", True) is ALLOW
    assert policy.decide("https://permits.example.org/", True) is BLOCK


def test_a_return_url_on_the_gateway_itself_wins_over_showing_it() -> None:
    policy = TopLevelPolicy.of(["https://www.invoicecloud.com"], "https://www.invoicecloud.com/done")
    assert policy.decide("https://www.invoicecloud.com/done", True) is RETURN
    assert policy.decide("https://www.invoicecloud.com/", True) is ALLOW


def test_a_return_url_at_the_root_does_not_swallow_the_whole_host() -> None:
    policy = TopLevelPolicy.of(["https://www.invoicecloud.com"], "https://www.invoicecloud.com")
    assert policy.decide("https://www.invoicecloud.com/", True) is RETURN
    assert policy.decide("https://www.invoicecloud.com/pay", True) is ALLOW


@pytest.mark.parametrize(
    ("origins", "return_url", "training", "faults"),
    [
        ([], None, False, 1),
        (["http://www.invoicecloud.com"], None, False, 1),
        (["https://www.invoicecloud.com/path"], None, False, 1),
        (["https://u@www.invoicecloud.com"], None, False, 1),
        (["wss://www.invoicecloud.com"], None, False, 1),
        (["nonsense", "https://"], "cashier://return", False, 3),
        (["https://www.invoicecloud.com"], "http://permits.example.org/", False, 1),
        # A real gateway is never training, or root could open it without a sandbox.
        (["https://www.invoicecloud.com"], None, True, 1),
    ],
)
def test_bad_addresses_are_refused_one_fault_each(
    origins: list[str], return_url: str | None, training: bool, faults: int
) -> None:
    with pytest.raises(Refused) as refused:
        TopLevelPolicy.of(origins, return_url, training=training)
    assert len(refused.value.faults) == faults


def test_a_host_is_told_but_nothing_else_of_the_url() -> None:
    assert host_of("https://user:word@Pay.Example.org:8443/path?query#fragment") == "pay.example.org"
    assert host_of("https://255.255.255.255/") == "255.255.255.255"
    assert host_of("https://4111111111111111.evil.example/") == "(withheld)"
    assert host_of("https://4111-1111-1111-1111.evil.example/") == "(withheld)"
    assert host_of("data:text/html,x") == ""
    assert host_of("https://[broken/") == ""


@given(st.text(max_size=60), st.booleans())
def test_any_text_gets_a_verdict(url: str, is_main_frame: bool) -> None:
    assert REAL.decide("https://" + url, is_main_frame) in Verdict
    assert host_of("https://" + url) is not None
    assert REAL.allows_resource(url) in (True, False)
