"""Log lines: only what is allowed, never a secret, a person or a card number."""

import json
import logging
import stat
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import pytest
import structlog

from cashier import logs
from cashier.logs import ALLOWED, REDACTED, allow_listed

PAN = "4111111111111111"
SECRET = "planted-secret-7Qx"


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log" / "till.log"
    close = logs.set_up(path)
    yield path
    close()
    structlog.reset_defaults()


def _lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def _file_handlers() -> list[RotatingFileHandler]:
    """Ours, without those of pytest."""
    return [one for one in logging.getLogger("cashier").handlers if isinstance(one, RotatingFileHandler)]


def test_a_line_is_json_with_level_and_utc_time(file: Path) -> None:
    structlog.get_logger("cashier").info("payment_changed", reference="A-1", state="OPEN", count=3)
    (line,) = _lines(file)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "payment_changed",
        "level": "info",
        "reference": "A-1",
        "state": "OPEN",
        "count": 3,
    }


@pytest.mark.parametrize(
    "member",
    ["api_key", "password", "url", "body", "headers", "customer", "name", "exc_info", "request", "x"],
)
def test_what_is_not_named_is_redacted(file: Path, member: str) -> None:
    structlog.get_logger("cashier").warning("something", **{member: SECRET})
    (line,) = _lines(file)
    assert line[member] == REDACTED
    assert SECRET not in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("member", sorted(ALLOWED - {"event", "level", "timestamp"}))
@pytest.mark.parametrize(
    "value",
    [
        *(PAN, f"card {PAN}!", "4111 1111 1111 1111", "4111-1111-1111-1111"),
        *(int(PAN), float(PAN), [PAN], {"a": PAN}, PAN.encode()),
    ],
)
def test_a2_no_card_number_reaches_a_log_in_any_member_or_type(file: Path, member: str, value: Any) -> None:
    structlog.get_logger("cashier").info(f"paid with {PAN}", **{member: value})
    text = file.read_text(encoding="utf-8")
    digits = "".join(char for char in text.split('"timestamp"')[0] if char.isdigit())
    assert "411111111111" not in digits
    assert len(_lines(file)) == 1


@pytest.mark.parametrize("value", [["a"], {"a": 1}, b"x", object(), ValueError(SECRET)])
def test_only_plain_values_are_written(value: object) -> None:
    assert allow_listed(None, "info", {"error": value}) == {"error": REDACTED}


@pytest.mark.parametrize("value", ["text", 3, True, None, 0.25])
def test_plain_values_stay_what_they_are(value: object) -> None:
    written = allow_listed(None, "info", {"seconds": value})["seconds"]
    assert written == value
    assert type(written) is type(value)


def test_our_own_reference_is_left_whole(file: Path) -> None:
    reference = "A-0190c4d2a7b87c3e9f00112233445566"
    structlog.get_logger("cashier").info("payment_changed", reference=reference)
    assert _lines(file)[0]["reference"] == reference


def test_the_gateways_urls_stay_out(file: Path) -> None:
    for noisy in ("httpx", "httpcore"):
        assert not logging.getLogger(noisy).isEnabledFor(logging.INFO)
    assert not logging.getLogger("cashier").propagate


def test_the_folder_is_this_users_alone_and_the_file_rotates(file: Path) -> None:
    log = structlog.get_logger("cashier")
    log.info("one")
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    (handler,) = _file_handlers()
    assert (handler.maxBytes, handler.backupCount) == (logs.FILE_MAX_BYTES, logs.FILES_KEPT)


def test_closing_leaves_no_handler_behind(tmp_path: Path) -> None:
    close = logs.set_up(tmp_path / "a.log")
    structlog.get_logger("cashier").info("one")
    close()
    assert _file_handlers() == []
    structlog.reset_defaults()
    assert len(_lines(tmp_path / "a.log")) == 1


def test_a_closed_log_leaves_the_logger_as_it_was(tmp_path: Path) -> None:
    logger = logging.getLogger("cashier")
    before = logger.level, logger.propagate, list(logger.handlers)
    logs.set_up(tmp_path / "a.log")()
    assert (logger.level, logger.propagate, logger.handlers) == before
