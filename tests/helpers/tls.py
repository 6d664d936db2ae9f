"""What a test's httpx client trusts: read once for all of them, for reading it takes 20 ms."""

import ssl
from functools import cache

import httpx


@cache
def tls() -> ssl.SSLContext:
    """As httpx makes it for each client that is not given one."""
    return httpx.create_ssl_context()
