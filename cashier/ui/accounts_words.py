"""What the page of customers' accounts says, in words: where the customer stands, and what to do next."""

from cashier.domain.account_changes import AccountAct, AccountChange
from cashier.domain.accounts import AccountPage, AccountStanding
from cashier.paper.pen import local_time
from cashier.till.accounts_views import AccountsView, Lookup
from cashier.till.words import Standing, Tone

#: The customer's own pages, in the order of their keys.
PAGE_NAMES = {
    AccountPage.BILLS: "Bills",
    AccountPage.PAPERLESS: "Paperless",
    AccountPage.AUTOPAY: "AutoPay",
    AccountPage.PAYMENT_OPTIONS: "Payment options",
    AccountPage.SCHEDULED_PAYMENTS: "Scheduled payments",
}
NOBODY = Standing(
    Tone.CALM,
    "No customer",
    "Type an account number or an e-mail address, then Enter.",
)
ASIDE = (
    "The customer's own pages open here: bills, paperless, AutoPay, payment options, scheduled payments.\n\n"
    "The customer signs on with their own password. A payment is taken on the sale page: for an account that "
    "is signed on it is a registered payer's, else a one-time payment."
)
PAGE_STOPPED = "The customer's page stopped. Nothing was paid by it. Open it again."
PAYMENT_STANDS = "A payment page is open. Only one page stands at a time: end the payment first."


#: What was asked for, of an account.
ACTS = {
    AccountAct.RECORD_MADE: "a record of account {}",
    AccountAct.REGISTERED: "the registration of account {}",
    AccountAct.LINKED: "a link to account {}",
    AccountAct.UNREGISTERED: "the end of the registration of account {}",
    AccountAct.EMAIL_CHANGED: "another e-mail address for account {}",
    AccountAct.PASSWORD_SET: "another password for account {}",
}


def standing_of(view: AccountsView, fault: str) -> Standing:
    """Where the customer stands. `fault` is what the last verb was refused with."""
    if view.is_busy:
        return Standing(Tone.WAITING, "Asking", "Asking Invoice Cloud …")
    if fault:
        return Standing(Tone.REFUSED, "Not done", fault)
    if view.notice:
        return Standing(Tone.WAITING, "Signed off", view.notice)
    if view.code_sent_to:
        text = (
            f"A code was mailed to {view.code_sent_to}. Nothing is changed before the customer tells it: "
            "type it below."
        )
        return Standing(Tone.WAITING, "Code mailed", text)
    if view.signed_on is not None:
        text = f"{view.signed_on.email} is signed on. Leave the customer when you are done."
        return Standing(Tone.CALM, "Signed on", text)
    if view.lookup is None:
        return NOBODY
    found = _found(view.lookup)
    if not view.lookup.doubts:
        return found
    return Standing(Tone.WAITING, found.word, f"{found.sentence} {doubts_text(view.lookup.doubts)}")


def doubts_text(doubts: tuple[AccountChange, ...]) -> str:
    """What Invoice Cloud did not answer, and what that means."""
    asked = "; ".join(
        f"{ACTS[one.act].format(one.account)}, asked for {local_time(one.at)} by {one.by}" for one in doubts
    )
    return (
        f"Not answered by Invoice Cloud: {asked}. It may have been done all the same. Ask for it again if it "
        "is still wanted: nothing is done twice."
    )


def _found(lookup: Lookup) -> Standing:
    match lookup.standing:
        case AccountStanding.REGISTERED if len(lookup.emails) > 1:
            names = ", ".join(lookup.emails)
            text = f"Several people have account {lookup.account}: {names}. Type whose it is."
            return Standing(Tone.CALM, "Registered", text)
        case AccountStanding.REGISTERED:
            text = (
                f"Account {lookup.account} is registered by {lookup.email}. Have the customer type their "
                "password."
            )
            return Standing(Tone.CALM, "Registered", text)
        case AccountStanding.UNREGISTERED:
            text = (
                f"Account {lookup.account} is there, and nobody has registered it. It can be paid without; "
                "to open its pages, register it."
            )
            return Standing(Tone.CALM, "Not registered", text)
        case AccountStanding.MISSING:
            text = (
                f"Invoice Cloud knows of no account {lookup.asked}. Check the number. If it is new, "
                "registering makes it."
            )
            return Standing(Tone.REFUSED, "No such account", text)
        case AccountStanding.NO_USER:
            text = (
                f"Nobody has registered with {lookup.asked}. Look the customer up by account number, or "
                "register."
            )
            return Standing(Tone.REFUSED, "Nobody of this address", text)
