"""Structured log lines (JSON), with an allow-list: what is not named here never reaches a log.

No line carries a URL's path or query, a body, a header, a name of a person or a card number.
"""

import logging
import logging.handlers
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from cashier.domain.scrub import scrub_card_numbers

#: Members a log line may carry. Everything else is written as [redacted].
ALLOWED = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "reference",
        "state",
        "kind",
        "host",
        "till",
        "site",
        "seconds",
        "count",
        "version",
        "error",
        "reason",
    }
)
REDACTED = "[redacted]"
FILE_MAX_BYTES = 2_000_000
FILES_KEPT = 5


def allow_listed(_logger: object, _method: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """A structlog processor: unlisted members are redacted, texts are scrubbed of card numbers."""
    return {name: _clean(value) if name in ALLOWED else REDACTED for name, value in line.items()}


def _clean(value: object) -> object:
    """A plain value without card numbers, which may come as numbers, too."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str | int | float):
        text = scrub_card_numbers(str(value))
        return text if isinstance(value, str) or text != str(value) else value
    return REDACTED


def set_up(file: Path) -> Callable[[], None]:
    """Write log lines to a rotating file; what is returned closes it, and leaves the logger as it was.

    httpx says whole URLs at INFO, so it is kept to warnings.
    """
    import structlog

    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handler = logging.handlers.RotatingFileHandler(
        file, maxBytes=FILE_MAX_BYTES, backupCount=FILES_KEPT, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("cashier")
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow_listed,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )

    def close() -> None:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate
        handler.close()

    return close
