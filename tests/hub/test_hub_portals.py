"""Where the hub may send what it relays: addresses come from tills, so they are not trusted."""

import datetime as dt
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cashier.domain.errors import Refused
from cashier.hub.portals import SECRETS_VARIABLE, Portals, parse_portal_url, read_portal_secrets

from .portal import Portal
from .relay_world import World, until

NAME = "portal.example.org"
SECRET = "whsec_" + "QUJD" * 8  # 24 bytes


@pytest.fixture
def world(db_url: str) -> Iterator[World]:
    world = World(db_url)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("url", "netloc", "target"),
    [
        ("https://Portal.Example.org", NAME, b"/"),
        ("https://portal.example.org:443/a%20b?x=1|2", NAME, b"/a%20b?x=1|2"),
        ("https://portal.example.org:8443/?", NAME + ":8443", b"/?"),
        ("https://10.0.0.5/a?b", "10.0.0.5", b"/a?b"),
        ("https://[2001:DB8::1]:99/", "[2001:db8::1]:99", b"/"),
        ("https://bürger.example/ä?ö", "xn--brger-kva.example", b"/%C3%A4?%C3%B6"),
    ],
)
def test_an_address(url: str, netloc: str, target: bytes) -> None:
    parsed = parse_portal_url(url)
    assert (parsed.netloc, parsed.target) == (netloc, target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "portal.example.org",
        "//portal.example.org/",
        "ftp://portal.example.org/",
        "file:///etc/passwd",
        "https:///x",
        "https://user@portal.example.org/",
        "https://user:word@portal.example.org/",
        "https://portal.example.org/#part",
        "https://portal.example.org\\@elsewhere.example/",
        "https://portal.example.org/a b",
        "https://portal.example.org/\r\nX: y",
        "https://portal.example.org:0/",
        "https://portal.example.org:99999/",
        "https://portal.example.org/" + "x" * 2000,
    ],
)
def test_no_address(url: str) -> None:
    with pytest.raises(Refused, match="not a plain https:// address"):
        parse_portal_url(url)


def test_the_query_is_appended_to_the_address_s_own() -> None:
    def joined(url: str, query: bytes) -> bytes:
        return parse_portal_url(url).with_query(query)

    assert joined("https://p.example/a?payment-id=5", b"x=1") == b"/a?payment-id=5&x=1"
    assert joined("https://p.example/a", b"x=1") == b"/a?x=1"
    assert joined("https://p.example/a?", b"x=1") == b"/a?x=1"
    assert joined("https://p.example/a?b&", b"x=1") == b"/a?b&x=1"
    assert joined("https://p.example/a?b", b"") == b"/a?b"
    assert joined("https://p.example/a", b"x=a b\r\n") == b"/a?x=a%20b%0D%0A"


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        *((address, False) for address in ("127.0.0.1", "::1", "0.0.0.0", "::", "10.1.2.3", "192.168.1.1")),
        *((address, False) for address in ("172.16.0.1", "169.254.169.254", "100.64.0.1", "fe80::1%eth0")),
        *(
            (address, False)
            for address in ("fd00::1", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::")
        ),
        *((address, False) for address in ("224.0.0.1", "ff02::1", "255.255.255.255", "240.0.0.1")),
    ],
)
def test_which_addresses_may_be_reached(address: str, allowed: bool) -> None:
    url = parse_portal_url(f"https://{NAME}/")
    portals = Portals.of([NAME])
    assert (portals.objection_to_addresses(url, [address]) is None) == allowed
    # One bad address spoils the name.
    assert (portals.objection_to_addresses(url, ["93.184.215.14", address]) is None) == allowed


def test_a_private_address_must_be_named() -> None:
    inside = parse_portal_url(f"https://{NAME}/")
    assert Portals.of([NAME], ["10.1.0.0/16"]).objection_to_addresses(inside, ["10.1.2.3"]) is None
    assert (
        Portals.of([NAME], ["10.1.0.0/16"]).objection_to_addresses(inside, ["10.2.2.3"]) == "private address"
    )
    literal = parse_portal_url("https://10.1.2.3/")
    assert Portals.of(["10.1.2.3"]).objection(literal) is None
    assert Portals.of(["10.1.2.3"]).objection_to_addresses(literal, ["10.1.2.3"]) is None
    assert Portals.of([NAME]).objection_to_addresses(inside, []) == "host has no address"


def test_which_hosts_may_be_asked() -> None:
    portals = Portals.of([NAME, "other.example:8443"])
    assert portals.objection(parse_portal_url(f"https://{NAME.upper()}:443/x")) is None
    for url in (f"https://{NAME}:8443/", "https://other.example/", f"https://x.{NAME}/", f"https://{NAME}./"):
        assert portals.objection(parse_portal_url(url)) == "host not allowed"
    assert portals.objection(parse_portal_url("https://other.example:8443/")) is None
    plain = Portals.of([NAME, "127.0.0.1:80", "127.0.0.1"], training=True)
    assert plain.objection(parse_portal_url(f"http://{NAME}/")) == "not https"
    assert plain.objection(parse_portal_url("http://127.0.0.1/")) is None
    assert Portals.of(["127.0.0.1"]).objection(parse_portal_url("http://127.0.0.1/")) == "not https"


@pytest.mark.parametrize(
    "host", ["", "a b", "https://p.example", "p.example/path", "u@p.example", "p.example?x"]
)
def test_a_host_that_is_none(host: str) -> None:
    with pytest.raises(Refused, match="Portal host"):
        Portals.of([host])


def test_a_network_that_is_none() -> None:
    with pytest.raises(Refused, match="portal network"):
        Portals.of(networks=["10.1.2.3/8"])


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "QUJD" * 8, "whsec_QUJD", "whsec_!" + "QUJD" * 8, "whsec_" + "QUJD" * 40]
)
def test_a_secret_that_is_none(secret: str) -> None:
    with pytest.raises(Refused, match="portal secret") as refused:
        Portals.of(secrets=[(NAME, secret)])
    assert secret == "" or secret not in str(refused.value) or secret == "whsec_"


def test_secrets_never_show() -> None:
    portals = Portals.of([NAME], secrets=[(NAME, SECRET), (NAME, SECRET[:-1] + "E")])
    assert len(portals.secrets[NAME]) == 2
    assert "QUJD" not in repr(portals)


def test_secrets_of_the_environment_or_of_a_guarded_file(tmp_path: Path) -> None:
    file = tmp_path / "portals"
    file.write_text(f"{NAME}={SECRET}==\nother.example:99={SECRET}\n")
    file.chmod(0o600)
    assert read_portal_secrets({}, file) == [(NAME, SECRET + "=="), ("other.example:99", SECRET)]
    assert read_portal_secrets({SECRETS_VARIABLE: f" {NAME}={SECRET} "}, file) == [(NAME, SECRET)]
    assert read_portal_secrets({}) == []
    file.chmod(0o640)
    with pytest.raises(Refused, match="chmod 600"):
        read_portal_secrets({}, file)
    with pytest.raises(Refused, match="cannot be read"):
        read_portal_secrets({}, tmp_path / "none")
    with pytest.raises(Refused, match="number 2 is not host=") as refused:
        read_portal_secrets({SECRETS_VARIABLE: f"{NAME}={SECRET} {SECRET}"})
    assert SECRET not in str(refused.value)


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for `name`, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = signed.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "portal.pem").write_bytes(pem + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "portal.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize("name", [NAME, "elsewhere.example"])
async def test_the_certificate_must_be_the_host_s_own(world: World, tmp_path: Path, name: str) -> None:
    server, trusting = certificate(tmp_path, name)

    async def resolve(host: str, port: int) -> list[str]:
        assert (host, port) == (NAME, portal.port)
        return ["127.0.0.2", "127.0.0.1"]  # nobody listens at the first

    with Portal(tls=server) as portal:
        world.announce("A-1", f"https://{NAME}:{portal.port}/postback?a=1")
        world.arrive("A-1")
        portals = Portals.of([f"{NAME}:{portal.port}"], ["127.0.0.0/8"])
        async with world.relay(portals=portals, resolve=resolve, tls=trusting) as relay:
            if name == NAME:
                await until(lambda: relay.counts().delivered)
            else:
                await until(lambda: relay.counts().retried)
    if name == NAME:
        (request,) = portal.received
        assert (request.target, request.headers["host"]) == (b"/postback?a=1", f"{NAME}:{portal.port}")
    else:
        assert portal.received == []
        assert world.letters.listed(("waiting",))[0].last_error == "no trusted certificate"


async def test_a_name_that_leads_inside_is_refused(world: World) -> None:
    asked: list[str] = []

    async def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["93.184.215.14", "127.0.0.1"]

    with Portal() as portal:
        world.announce("A-1", f"https://{NAME}:{portal.port}/")
        world.arrive("A-1")
        portals = Portals.of([f"{NAME}:{portal.port}"])
        async with world.relay(portals=portals, resolve=resolve) as relay:
            await until(lambda: relay.counts().rejected)
    assert (asked[0], portal.received) == (NAME, [])
    assert world.letters.listed(("waiting",))[0].last_error == "private address"


async def test_a_name_that_is_not_found_is_tried_again(world: World) -> None:
    async def resolve(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    world.announce("A-1", f"https://{NAME}/")
    world.arrive("A-1")
    async with world.relay(portals=Portals.of([NAME]), resolve=resolve) as relay:
        await until(lambda: relay.counts().retried)
    assert relay.counts().rejected == 0
    assert world.letters.listed(("waiting",))[0].last_error == "host not found"
