"""What is still to be sent to the hub, in the status line."""

from cashier.domain.outbox import OutboxView, Phase


def sending_text(outbox: OutboxView) -> str:
    """A few words, or none when everything is sent. Nobody at the counter has to do anything about it."""
    match outbox.phase:
        case Phase.STOPPED:
            return f"✕ {outbox.to_send} not sent: the hub disagrees"
        case Phase.PAUSED:
            return f"‖ {outbox.to_send} to send, paused"
        case _:
            return f"{outbox.to_send} to send" if outbox.to_send else ""
