"""The hub against its own description: what schemathesis makes up, and what it finds.

A running hub is asked. In a share of the cases an address minted for it and its till's key take the place of
what was made up, or nearly nothing would come past them. A few hundred cases always, 5,000 with `--long`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from cashier.hub.app import HubConfig
from cashier.hub.limits import Rate, Rates
from cashier.hub.openapi import PARAMETERS
from cashier.hub.postback_route import POSTBACK_ROUTE
from cashier.hub.serve import RunningHub

from .conftest import MASTER, Clock, Till

#: On each of the two databases.
CASES, CASES_LONG = 150, 5_000
ENOUGH = Rate(burst=1_000_000, per_second=1_000_000)
#: And of what a till does before each card payment, so many.
ALWAYS = 5
TILL = "/till/v1/{site}/{till}"
ANNOUNCE = f"PUT {TILL}/payments/{{reference}}"
#: Routes with a rule that cannot be said in a schema: at least one parameter in the query or in the body;
#: a whole web address.
RULES_UNSAID = (POSTBACK_ROUTE, f"{TILL}/notices/{{notice_id}}")
#: Of ten cases, so many are given what is right.
PROVEN_OF_TEN = 8


@dataclass
class Asked:
    """A hub to be asked, and what it answered."""

    till: Till
    schema: BaseSchema
    session: requests.Session
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def cases(self) -> st.SearchStrategy[Case]:
        """Every route as described and against it; half of the cases are postbacks."""
        operations = [found.ok() for found in self.schema.get_all_operations()]
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        postbacks = [
            one.as_strategy(mode) for one in operations if one.path == POSTBACK_ROUTE for mode in modes
        ]
        others = [one.as_strategy(mode) for one in operations if one.path != POSTBACK_ROUTE for mode in modes]
        return st.booleans().flatmap(lambda postback: st.one_of(postbacks if postback else others))

    def described(self, label: str) -> st.SearchStrategy[Case]:
        """One route, as described."""
        operations = (found.ok() for found in self.schema.get_all_operations())
        return next(one for one in operations if one.label == label).as_strategy(GenerationMode.POSITIVE)

    def prove(self, case: Case, share: int) -> None:
        """Put a right address and a right key in, but where a fault was made on purpose."""
        wrong = {
            place for place, part in case.meta.components.items() if part.mode is GenerationMode.NEGATIVE
        }
        if case.path.endswith("/postbacks") and ParameterLocation.QUERY not in wrong:
            case.query = {**case.query, "wait": 0}  # no case waits for a postback
        elif case.path.endswith("/postbacks"):
            case.query.setdefault("wait", 0)
        if share >= PROVEN_OF_TEN:
            return
        if ParameterLocation.PATH not in wrong:
            if case.path == POSTBACK_ROUTE:
                _, _, _, site, token = self.till.path().split("/")
                case.path_parameters |= {"site": site, "token": token}
            elif "till" in case.path_parameters:
                case.path_parameters |= {"site": self.till.site, "till": self.till.till}
        if ParameterLocation.HEADER not in wrong and case.path.startswith("/till/"):
            case.headers["Authorization"] = self.till.headers["authorization"]

    def ask(self, case: Case) -> None:
        """Raises when the answer is not as described."""
        unsaid = [positive_data_acceptance] if case.path in RULES_UNSAID else []
        response = case.call_and_validate(
            base_url=self.till.url, session=self.session, excluded_checks=unsaid
        )
        self.answers[case.operation.label, response.status_code] += 1


@pytest.fixture
def asked(db_url: str, clock: Clock, http: httpx.Client) -> Iterator[Asked]:
    config = HubConfig(db_url, MASTER, rates=Rates(*[ENOUGH] * 7))
    with RunningHub(db_url, MASTER, clock, config=config) as hub, requests.Session() as session:
        till = Till(hub.url, http, hub.enrol("sampletown", "A"))
        # Not from its address: then it would leave that address out.
        described = http.get(f"{hub.url}/openapi.json").json()
        yield Asked(till, schemathesis.openapi.from_dict(described), session)


def test_every_answer_is_as_described(asked: Asked, long: bool) -> None:
    @settings(
        max_examples=CASES_LONG if long else CASES,
        derandomize=not long,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=asked.cases, share=st.integers(0, 9))
    def every_case(case: Case, share: int) -> None:
        asked.prove(case, share)
        asked.ask(case)

    # However the chance falls among so many routes: this one is asked as described, too.
    @settings(max_examples=ALWAYS, derandomize=not long)
    @given(case=asked.described(ANNOUNCE))
    def announcing(case: Case) -> None:
        asked.prove(case, 0)
        asked.ask(case)

    every_case()
    announcing()
    print(*sorted(asked.answers.items()), sep="\n")
    # It came past the address and the key, or it would have found nothing.
    assert asked.answers[f"POST {POSTBACK_ROUTE}", 204]
    assert asked.answers[ANNOUNCE, 200]
    assert not any(status >= 500 for _, status in asked.answers)


def test_the_description_is_whole(asked: Asked) -> None:
    labels = {found.ok().label for found in asked.schema.get_all_operations()}
    assert labels == {
        f"POST {POSTBACK_ROUTE}",
        f"GET {TILL}/postbacks",
        f"POST {TILL}/postbacks/ack",
        f"PUT {TILL}/payments/{{reference}}",
        f"POST {TILL}/payments/{{reference}}/settled",
        f"GET {TILL}/payments",
        f"GET {TILL}/quarantine",
        f"GET {TILL}/charges",
        f"PUT {TILL}/notices/{{notice_id}}",
        f"POST {TILL}/journal",
        f"GET {TILL}/journal",
        f"GET {TILL}/journal/kept",
        f"GET {TILL}/journal/tills",
        f"GET {TILL}/journal/report",
        f"GET {TILL}/journal/anchors",
        f"POST {TILL}/journal/anchors/check",
        "POST /enrol",
        "GET /healthz",
        "GET /metrics",
        "GET /openapi.json",
    }
    operation = asked.schema.raw_schema["paths"][POSTBACK_ROUTE]["post"]
    assert set(operation["responses"]) == {
        *("204", "400", "404", "408", "413", "414", "415", "429", "503"),
    }
    assert [one["name"] for one in operation["parameters"] if one["in"] == "query"] == list(PARAMETERS)
    assert len(PARAMETERS) == 18
