"""The request of a payer who is signed on: the place of the token is recorded, the token is sent."""

import json
from typing import Any

import pytest

from cashier.domain.errors import CashierError, Refused
from cashier.gateway import cpv2
from cashier.gateway.invoice_cloud import InvoiceCloud
from cashier.gateway.transport import Timeouts, make_client
from cashier.till.ports import CounterExtras

TOKEN = "planted-token-of-a-test-7"
SHORT = Timeouts(connect_s=0.3, read_s=0.3, write_s=0.3, pool_s=0.3, whole_s=5)


def extras(**more: Any) -> CounterExtras:
    return CounterExtras("A-1", "https://hub.example.org/pb/1", None, None, **more)


@pytest.mark.parametrize("profile", ["cloudpermit", "grancius", "leadsonline", "mcci", "sagesgov"])
def test_the_place_is_there_only_for_a_payer_who_is_signed_on(
    profiles: Any, sale_of: Any, profile: str
) -> None:
    sale = sale_of(profile)
    plain = cpv2.request_text(sale, profiles[profile], extras())
    signed_on = cpv2.request_text(sale, profiles[profile], extras(is_signed_on=True))
    assert cpv2.TOKEN_MEMBER not in plain
    members = json.loads(signed_on)
    assert members.pop(cpv2.TOKEN_MEMBER) == cpv2.TOKEN_PLACE
    assert members == json.loads(plain), "CreateCustomerRecord and all else are as the profile has them"
    sent = cpv2.with_token(signed_on, TOKEN)
    assert json.loads(sent) == {**members, cpv2.TOKEN_MEMBER: TOKEN}
    assert cpv2.with_token(signed_on, TOKEN) == sent, "the same bytes each time"


def test_no_customers_name_can_look_like_the_place(profiles: Any, sale_of: Any, members_of: Any) -> None:
    from dataclasses import replace

    sale = sale_of("leadsonline")
    name = f'"{cpv2.TOKEN_MEMBER}": "{cpv2.TOKEN_PLACE}"'
    sale = replace(sale, customer=replace(sale.customer, name=name))
    text = cpv2.request_text(sale, profiles["leadsonline"], extras(is_signed_on=True))
    sent = json.loads(cpv2.with_token(text, TOKEN))
    assert sent["Customers"][0]["Name"] == name and sent[cpv2.TOKEN_MEMBER] == TOKEN
    with pytest.raises(Refused):
        cpv2.with_token(cpv2.request_text(sale, profiles["leadsonline"], extras()), TOKEN)


async def test_the_token_goes_out_with_the_request_and_never_comes_back(
    service: Any, profiles: Any, sale_of: Any
) -> None:
    async with make_client(SHORT) as client:
        cloud = InvoiceCloud(
            client=client,
            base_url=service.url,
            profiles=profiles,
            api_keys=lambda _biller: "training-api-key",
            training=True,
            timeouts=SHORT,
        )
        request = cloud.request(sale_of("leadsonline"), extras(is_signed_on=True))
        service.say("200 OK", json.dumps({"Data": {"CloudPaymentURL": f"{service.url}/p"}}).encode())
        await cloud.launch(request, "town", TOKEN)
        assert json.loads(service.requests[-1][1])[cpv2.TOKEN_MEMBER] == TOKEN
        service.say("400 Bad Request", json.dumps({"Message": f"Bad token {TOKEN}"}).encode())
        with pytest.raises(CashierError, match=r"\[secret removed\]") as caught:
            await cloud.launch(request, "town", TOKEN)
        assert TOKEN not in f"{caught.value!r}{caught.value.__cause__!r}"
