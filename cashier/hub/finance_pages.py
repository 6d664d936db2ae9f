"""The pages for the finance office: HTML without scripts, every text escaped."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from html import escape

from cashier.domain.daily import DailyReport, Tally
from cashier.domain.money import format_dollars
from cashier.domain.receipt import TenderKind

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #16213a; background: #f5f6fa; margin: 0; }
header { background: #12305f; color: #fff; padding: 14px 28px; }
header { display: flex; justify-content: space-between; }
header form { margin: 0; }
main { max-width: 900px; margin: 20px auto; background: #fff; padding: 8px 32px 32px; }
h1 { font-size: 24px; } h2 { font-size: 17px; margin: 28px 0 6px; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; color: #5a6780; }
th, td { text-align: left; padding: 4px 8px; border-top: 1px solid #dde3ee; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
tr.sum td { font-weight: 600; }
.waits { background: #fff4d6; border-left: 4px solid #b26a00; padding: 8px 14px; font-weight: 600; }
.fine { background: #e6f4ea; border-left: 4px solid #1c7c3c; padding: 8px 14px; }
.fault { background: #fdeaea; border-left: 4px solid #b3261e; padding: 8px 14px; }
label { display: block; margin: 10px 0 4px; font-weight: 600; } .row label { display: inline; }
input, button { font: inherit; padding: 6px 10px; } a { color: #1a4a8e; }
@page { margin: 16mm 14mm; }
@media print {
  body { background: none; color: #000; font-size: 10pt; }
  header { background: none; color: #000; border-bottom: 1px solid #000; padding: 0 0 6px; }
  header form, .screen { display: none; }
  main { max-width: none; margin: 0; padding: 0; }
  h1 { font-size: 16pt; } h2 { font-size: 12pt; margin: 16px 0 4px; break-after: avoid; }
  caption, th { color: #000; } th, td { border-color: #777; padding: 2px 6px; }
  thead { display: table-header-group; } tr, .waits, .fine { break-inside: avoid; }
  .waits, .fine, .fault { background: none; border: 1px solid #000; padding: 4px 8px; margin: 6px 0; }
}
"""
#: No script at all, no other site, no frame; the one style by its hash.
POLICY = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_NAMES = {
    TenderKind.CASH: "Cash",
    TenderKind.CHECK: "Checks",
    TenderKind.MONEY_ORDER: "Money orders",
    TenderKind.CARD: "Cards",
    TenderKind.BANK: "Bank accounts (ACH)",
}


def sign_in_page(fault: str = "", site: str = "") -> str:
    """Where the finance office signs in; `fault` is why it could not."""
    return _page(
        "Finance office",
        "",
        "<h1>Daily receipts for the finance office</h1>"
        + _note("fault", fault)
        + '<form method="post" action="/finance/sign-in">'
        '<label for="site">Site</label>'
        f'<input id="site" name="site" maxlength="32" required autocomplete="username" '
        f'value="{escape(site)}">'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" maxlength="200" required '
        'autocomplete="current-password"> <button>Sign in</button></form>',
    )


def fault_page(site: str, date: str, fault: str) -> str:
    """Why there is no report of a date."""
    return _page("Daily receipts", site, _choice(date) + _note("fault", fault))


def report_page(site: str, report: DailyReport) -> str:
    """The report of a site's business date."""
    date = report.scope.first.isoformat()
    parts = (
        _choice(date),
        f"<h1>Daily receipts {date}, every till of {escape(site)}</h1>",
        _sources(report),
        _by_tender(report),
        _by_till(report),
        _deposit(report),
        _accounts(report),
        _undone(report),
        _open(report),
        f"<p>Made {escape(report.heading.made_time)}, of what the tills had sent to the hub by then.</p>",
        f'<p class="screen"><a href="/finance/report.csv?date={date}">Every row as a table (CSV)</a>. On '
        "paper or as a PDF: print this page, Ctrl+P.</p>",
    )
    return _page(f"Daily receipts {date}", site, "".join(parts))


def _page(title: str, site: str, body: str) -> str:
    leave = (
        f'<form method="post" action="/finance/sign-out">{escape(site)} <button>Sign out</button></form>'
        if site
        else ""
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><header><span>Permit counters · finance office</span>{leave}"
        f"</header><main>{body}</main></body></html>"
    )


def _choice(date: str) -> str:
    return (
        '<form method="get" action="/finance" class="row screen"><p><label for="date">Business date</label> '
        f'<input id="date" name="date" type="date" required value="{escape(date)}"> '
        "<button>Show</button></p></form>"
    )


def _note(kind: str, *texts: str) -> str:
    return "".join(f'<p class="{kind}">{escape(text)}</p>' for text in texts if text)


def _sources(report: DailyReport) -> str:
    waiting = report.unsynced
    title = (
        f"UNSYNCED: {len(waiting)} of {len(report.sources)} tills" if waiting else "Every till is all here"
    )
    notes = "".join(_note("fine" if one.is_complete else "waits", one.told) for one in report.sources)
    return f"<h2>{title}</h2>{notes}<p>What a till has not sent to the hub yet is in no figure.</p>"


def _by_tender(report: DailyReport) -> str:
    figures = report.figures
    rows = [_tally(_NAMES[kind], figures.tenders[kind]) for kind in _kinds(report)]
    rows.append(_tally("Taken", figures.taken))
    rows += [
        _tally(f"Refunded, {_NAMES[kind].lower()}", tally, -1) for kind, tally in figures.refunds.items()
    ]
    if figures.returned.count:
        rows.append(_tally("Checks returned by the bank", figures.returned, -1))
    rows.append(("Net", "", format_dollars(figures.net_cents), ""))
    return _table("By tender", ("", "Count", "Amount", "Service fee"), rows)


def _kinds(report: DailyReport) -> tuple[TenderKind, ...]:
    """The tenders there were, in the order of the paper."""
    return tuple(kind for kind in _NAMES if kind in report.figures.tenders)


def _tally(name: str, tally: Tally, sign: int = 1) -> tuple[str, ...]:
    fee = format_dollars(sign * tally.service_fee_cents) if tally.service_fee_cents else ""
    return (name, f"{tally.count:,}", format_dollars(sign * tally.amount_cents), fee)


def _by_till(report: DailyReport) -> str:
    kinds = _kinds(report)
    sums: dict[str, dict[TenderKind, int]] = {one.till: {} for one in report.sources}
    for item in report.instruments:
        of_till = sums.setdefault(item.till, {})
        of_till[item.kind] = of_till.get(item.kind, 0) + item.amount_cents
    numbers = {one.till: one for one in report.numbers}
    rows = []
    for till, found in sorted(sums.items()):
        one = numbers.get(till)
        told = (
            f"{one.first} to {one.last}, {len(one.voided)} void, {len(one.gaps)} missing" if one else "none"
        )
        rows.append((f"Till {till}: {told}", *_amounts(kinds, found)))
    rows.append(
        ("Together", *_amounts(kinds, {k: t.amount_cents for k, t in report.figures.tenders.items()}))
    )
    return _table("By till", ("Receipts", *(_NAMES[kind] for kind in kinds), "Taken"), rows)


def _amounts(kinds: Sequence[TenderKind], cents: Mapping[TenderKind, int]) -> tuple[str, ...]:
    return (*(format_dollars(cents.get(kind, 0)) for kind in kinds), format_dollars(sum(cents.values())))


def _deposit(report: DailyReport) -> str:
    drawer = report.figures.drawer
    kinds = tuple(drawer)
    rows = [
        (f"Till {one.till}, shift {one.number}, {one.clerk}", *_amounts(kinds, one.deposit_cents))
        for one in report.shifts
    ]
    counted = {kind: sum(one.deposit_cents[kind] for one in report.shifts) for kind in kinds}
    rows.append(("Deposit together, as counted", *_amounts(kinds, counted)))
    by_receipts = {kind: tally.amount_cents for kind, tally in drawer.items()}
    rows.append(("By the receipts", *_amounts(kinds, by_receipts)))
    return _table("Deposit", ("Closed shifts", *(_NAMES[kind] for kind in kinds), "Together"), rows)


def _accounts(report: DailyReport) -> str:
    rows = [
        (
            name or "no account",
            *(format_dollars(cents) for cents in (flow.taken_cents, -flow.undone_cents, flow.net_cents)),
        )
        for name, flow in report.figures.accounts.items()
    ]
    return _table("By GL account", ("", "Taken", "Given back", "Net"), rows) if rows else ""


def _undone(report: DailyReport) -> str:
    rows = [
        (f"VOID {one.receipt}, till {one.till}: {one.reason}", one.requester, one.approver, one.amount_cents)
        for one in report.voids
    ]
    rows += [
        (
            f"Refund of {one.receipt}{'' if one.is_done else ', ASKED FOR, NOT DONE YET'}: {one.reason}",
            one.requester,
            one.approver,
            -one.amount_cents,
        )
        for one in report.refunds
    ]
    rows += [
        (f"Check {one.number} of {one.receipt} returned: {one.reason}", one.by, "", -one.amount_cents)
        for one in report.returned
    ]
    shown = [(*texts, format_dollars(cents)) for *texts, cents in rows]
    headings = ("", "Requested by", "Approved by", "Amount")
    return _table("Voids, refunds, returned checks", headings, shown, texts=3) if shown else ""


def _open(report: DailyReport) -> str:
    rows = [
        (one.reference, one.state.replace("_", " ").lower(), format_dollars(one.amount_cents))
        for one in report.carried
    ]
    title = f"Not settled, in no total: {len(rows)}"
    table = _table(title, ("Reference", "State", "Amount"), rows, texts=2) if rows else ""
    matters = "".join(f"<li>{escape(text)}</li>" for text in report.matters)
    return table + (f"<h2>To be seen to by a person</h2><ul>{matters}</ul>" if matters else "")


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> str:
    """A table; the first `texts` columns are text, the others amounts."""

    number, total = ' class="n"', ' class="sum"'

    def cells(tag: str, values: Sequence[str]) -> str:
        return "".join(
            f"<{tag}{'' if place < texts else number}>{escape(value)}</{tag}>"
            for place, value in enumerate(values)
        )

    sums = ("Taken", "Net", "Together", "Deposit together, as counted")
    body = "".join(f"<tr{total if row[0] in sums else ''}>{cells('td', row)}</tr>" for row in rows)
    head = f"<thead><tr>{cells('th', headings)}</tr></thead>"  # once more on each printed page
    return f"<h2>{escape(title)}</h2><table>{head}<tbody>{body}</tbody></table>"
