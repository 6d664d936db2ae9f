"""Reading a request's body, bounded in bytes and in time."""

import asyncio

from fastapi import HTTPException
from starlette.requests import Request


async def read_body(request: Request, max_bytes: int, timeout_s: float) -> bytes:
    """The whole body. HTTPException: 413 past `max_bytes`, 408 when it dawdles, 400 when it is cut off."""
    if int(request.headers.get("content-length", "0")) > max_bytes:
        raise _too_much(max_bytes)
    body = bytearray()
    more = True
    try:
        async with asyncio.timeout(timeout_s):
            while more:
                message = await request.receive()
                if message["type"] == "http.disconnect":
                    raise HTTPException(400, "the body was cut off")
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > max_bytes:
                    raise _too_much(max_bytes)
    except TimeoutError:
        raise HTTPException(408, "the body did not arrive in time") from None
    return bytes(body)


def _too_much(max_bytes: int) -> HTTPException:
    return HTTPException(413, f"more than {max_bytes} bytes")
