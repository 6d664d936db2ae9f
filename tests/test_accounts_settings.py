"""Which settings turn customers' accounts on, and what a till says that has none."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from cashier.adapters import accounts_config, accounts_of, profiles, schedule_on
from cashier.bootstrap import account_view_maker, open_till
from cashier.domain.accounts import AccountPage, Secret
from cashier.domain.errors import Refused
from cashier.gateway.sso import Paths
from cashier.gateway.transport import Timeouts, make_client
from cashier.secrets import Secrets
from cashier.settings import Settings, check
from cashier.settings_tables import SsoPathSettings
from cashier.training import SCHEDULES, Servers, Training, with_profile


def settings(**sso: Any) -> Settings:
    table: dict[str, Any] = {
        "site": "mytown",
        "till": "A",
        "agency": "Town of Sampleton",
        "profile": "leadsonline",
        "schedule": "police",
        "hub": {"url": "https://hub.example.org"},
        "billers": [{"name": "police", "invoice_types": {39: "Police fees"}}],
    }
    return check(table | ({"sso": sso} if sso else {}), "test", environment=False)


@pytest.mark.parametrize("name", ["mcci", "cloudpermit", "grancius", "sagesgov"])
def test_only_my360_has_accounts(name: str) -> None:
    profile = profiles()[name]
    config = accounts_config(settings(biller="police"), profile)
    assert profile.title in config.refusal and "has no customer accounts" in config.refusal


def test_my360_has_them_once_their_biller_is_named() -> None:
    profile = profiles()["leadsonline"]
    assert "sso.biller" in accounts_config(settings(), profile).refusal
    config = accounts_config(settings(biller="police", minutes=20), profile)
    assert (config.refusal, config.biller, config.life_s) == ("", "police", 1200)
    assert config.agency == "Town of Sampleton"


@pytest.mark.parametrize(
    ("sso", "says"),
    [
        ({"biller": "nobody"}, "sso.biller: names none of the billers"),
        ({"biller": "police", "minutes": 0}, "sso.minutes"),
        ({"biller": "police", "minutes": 61}, "sso.minutes"),
        ({"biller": "police", "css_url": "http://x.example.org/a.css"}, "must start with https://"),
        ({"biller": "police", "paths": {"users": "api/v1"}}, "is not a path such as /api/v1/customer"),
        ({"biller": "police", "paths": {"users": "/api/../v1?x=1"}}, "is not a path"),
        ({"biller": "police", "paths": {"logout": "/x"}}, "sso.paths.logout: is not a setting"),
    ],
)
def test_what_is_set_wrongly_is_named(sso: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as refused:
        settings(**sso)
    assert says in "\n".join(refused.value.faults)


def test_the_assumed_paths_stand_in_one_place_twice_the_same() -> None:
    assert SsoPathSettings().model_dump() == {
        name: getattr(Paths(), name) for name in Paths.__dataclass_fields__
    }


async def test_what_is_set_reaches_the_line_and_the_page() -> None:
    given = settings(
        biller="police",
        css_url="https://x.example.org/a.css",
        return_url="https://x.example.org/back",
        site_name="Sampleton",
        paths={"connect": "/sso"},
    )
    secrets = Secrets("mytown", "A", {})
    async with make_client(Timeouts()) as client:
        assert accounts_of(settings(), secrets, client) is None
        accounts = accounts_of(given, secrets, client)
        assert accounts is not None
        url = accounts.page_url(Secret("a-token-of-a-test"), AccountPage.AUTOPAY)
    assert url.startswith("https://www.invoicecloud.com/sso?RemoteAuthenticationToken=a-token-of-a-test")
    assert url.endswith("ReturnUrl=https%3A%2F%2Fx.example.org%2Fback&CustomReturnSiteName=Sampleton")
    assert callable(account_view_maker(given))


# --- training


def training_settings(profile: str, **more: Any) -> Settings:
    training = Training(Path())
    training.servers = Servers("http://127.0.0.1:1", "http://127.0.0.1:2", "k")
    return check(training.settings(with_profile(profile) | more), "training", environment=False)


@pytest.mark.parametrize("name", SCHEDULES)
def test_each_profile_can_be_trained_with_and_sells_something(name: str) -> None:
    made = training_settings(name)
    profile = profiles()[name]
    schedule = schedule_on(made.schedule, dt.date(2026, 2, 3))
    types = set(made.billers[0].invoice_types) & set(profile.type_ids or made.billers[0].invoice_types)
    assert [fee for fee in schedule.fees if fee.type_id in types]
    assert bool(accounts_config(made, profile).refusal) == (name != "leadsonline")


def test_no_other_profile_can_be_trained_with() -> None:
    assert set(SCHEDULES) == set(profiles())
    with pytest.raises(Refused, match="is no profile to train with; there are: cloudpermit, grancius"):
        with_profile("nosuch")


@pytest.mark.parametrize(
    "more",
    [
        {"gateway": {"base_url": "https://www.invoicecloud.com"}},
        {"hub": {"url": "https://hub.example.org"}},
        {"gateway": {"base_url": "https://127.0.0.1.example.org"}},
    ],
)
async def test_training_never_touches_the_live_gateway(more: dict[str, Any], tmp_path: Path) -> None:
    made = training_settings("leadsonline", data_folder=str(tmp_path / "till"), **more)
    with pytest.raises(Refused, match="Training is for the sandbox on this machine"):
        async with open_till(made, Secrets("training", "TRAIN", {})):
            pass
    assert not (tmp_path / "till").exists()
