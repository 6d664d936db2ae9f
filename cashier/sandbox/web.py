"""Small pieces of HTTP that the rooms of the sandbox share: bounded bodies, forms, Basic auth, waiting."""

import asyncio
import base64
import binascii
import hmac
from urllib.parse import parse_qsl

import simplejson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

BODY_MAX = 256 * 1024
FORM_FIELDS_MAX = 64


class TooLarge(Exception):
    """The body is longer than BODY_MAX."""


async def read_body(request: Request) -> bytes:
    """The body, at most BODY_MAX bytes. Raises TooLarge."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise TooLarge
    return bytes(body)


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form; the last one wins. Not kept anywhere: it may hold a card number.

    Raises TooLarge, and ValueError for more than FORM_FIELDS_MAX fields.
    """
    body = await read_body(request)
    pairs = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=FORM_FIELDS_MAX)
    return dict(pairs)


def json_response(content: object, status: int = 200) -> Response:
    """A JSON answer; amounts inside are integers or text, never floats."""
    return Response(simplejson.dumps(content), status, media_type="application/json")


def message(status: int, text: str, headers: dict[str, str] | None = None) -> Response:
    """An error as Invoice Cloud tells it: `{"Message": …}`."""
    return Response(
        simplejson.dumps({"Message": text}), status, headers=headers, media_type="application/json"
    )


def unauthorized() -> Response:
    """401 for a missing or wrong API key."""
    return message(401, "The API key is missing or not valid.", {"WWW-Authenticate": "Basic"})


def knows_key(request: Request, api_key: str) -> bool:
    """Whether the Basic credentials are the API key, alone or as a user name with an empty password."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return False
    try:
        given = base64.b64decode(encoded.strip(), validate=True)
    except (binascii.Error, ValueError):
        return False
    key = api_key.encode()
    return any(hmac.compare_digest(given, good) for good in (key, key + b":"))


async def pause(seconds: float, closing: asyncio.Event) -> None:
    """Waits, but not beyond the server's closing."""
    try:
        await asyncio.wait_for(closing.wait(), seconds)
    except TimeoutError:
        return


async def until_gone(request: Request, closing: asyncio.Event) -> None:
    """Waits until the caller hangs up or the server closes: an answer that never comes."""

    async def hang_up() -> None:
        try:
            while (await request.receive())["type"] != "http.disconnect":
                pass
        except ClientDisconnect:
            return

    waits = [asyncio.create_task(hang_up()), asyncio.create_task(closing.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
