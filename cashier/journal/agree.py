"""What SQLite finds by itself, in its own code and at its own pace, while the chain is walked beside it.

Whether each receipt's row says what its entry says is asked here in one question, without an object for each.
A No may be wrong – another way of writing the same – so it is judged again, entry by entry, by the code that
made the rows (`verify`); a Yes is not. The question reads the members that a row is made of, and asks whether
the others are there; an entry was read back whole before it was committed, and its hash says that it is
still the same.
"""

from pathlib import Path

from cashier.domain.receipt import TenderKind
from cashier.journal.sqlite import reading, sqlite3

_KINDS = ", ".join(f"'{kind}'" for kind in TenderKind)

#: Paid, fee, and how many tenders cannot be read. Text, so that 5 and 5.0 are two things.
_PAID = f"""
CASE WHEN json_array_length(body, '$.tenders') = 1 THEN
    (body ->> '$.tenders[0].amount_cents') || ' ' ||
    coalesce(body ->> '$.tenders[0].service_fee_cents', 0) || ' ' ||
    (coalesce(body ->> '$.tenders[0].kind', '') NOT IN ({_KINDS})
        OR json_type(body, '$.tenders[0].amount_cents') IS NOT 'integer'
        OR coalesce(json_type(body, '$.tenders[0].service_fee_cents'), 'integer') IS NOT 'integer')
ELSE (
    SELECT coalesce(sum(value ->> '$.amount_cents'), 0) || ' ' ||
        coalesce(sum(coalesce(value ->> '$.service_fee_cents', 0)), 0) || ' ' ||
        count(CASE WHEN coalesce(value ->> '$.kind', '') NOT IN ({_KINDS})
            OR json_type(value, '$.amount_cents') IS NOT 'integer' THEN 1 END)
    FROM json_each(body, '$.tenders')
) END
"""

#: An entry whose row is another one, or is not there.
_DIFFERING = f"""
SELECT entry.seq FROM entry LEFT JOIN receipt ON receipt.seq = entry.seq
WHERE entry.kind = 'receipt_issued' AND (
    receipt.till IS NOT entry.till
    OR receipt.number IS NOT body ->> '$.number'
    OR receipt.number IS NOT printf('%s-%06d', receipt.till, receipt.sequence)
    OR receipt.sale_id IS NOT body ->> '$.sale_id'
    OR receipt.payment_id IS NOT body ->> '$.payment_id'
    OR receipt.reference IS NOT body ->> '$.reference'
    OR receipt.at IS NOT body ->> '$.at'
    OR receipt.business_date IS NOT body ->> '$.business_date'
    OR receipt.cashier IS NOT body ->> '$.cashier'
    OR receipt.payer IS NOT body ->> '$.customer.name'
    OR receipt.permit IS NOT coalesce(body ->> '$.permit.number', '')
    OR receipt.paid_cents || ' ' || receipt.service_fee_cents || ' 0' IS NOT {_PAID}
    OR json_type(body, '$.permit') IS NULL
    OR json_type(body, '$.customer') IS NOT 'object'
    OR json_type(body, '$.invoices') IS NOT 'array'
    OR json_type(body, '$.tenders') IS NOT 'array'
    OR json_type(body, '$.agency') IS NULL
    OR json_type(body, '$.till') IS NULL
    OR json_type(body, '$.training') IS NULL
    OR json_type(body, '$.paid_before_cents') IS NULL
)
LIMIT 1
"""

#: A row that no entry made.
_UNMADE = (
    "SELECT seq FROM receipt WHERE seq NOT IN (SELECT seq FROM entry WHERE kind = 'receipt_issued') LIMIT 1"
)

#: A receipt that does not have the number after the one before it in its till's series.
_OUT_OF_TURN = """
SELECT seq FROM (
    SELECT seq, sequence,
        lag(seq, 1, 0) OVER series AS seq_before,
        lag(sequence, 1, 0) OVER series AS sequence_before
    FROM receipt WINDOW series AS (PARTITION BY till ORDER BY sequence)
)
WHERE sequence <> sequence_before + 1 OR seq <= seq_before LIMIT 1
"""


def receipts_agree(path: Path) -> bool:
    """Whether the receipts of a journal of the current schema are those of its entries. No is a maybe."""
    questions = (_DIFFERING, _UNMADE, _OUT_OF_TURN)
    with reading(path) as connection:
        try:
            return all(connection.execute(question).fetchone() is None for question in questions)
        except sqlite3.Error:  # a body that is no JSON, a table that is gone, a page that cannot be read
            return False


def damage(path: Path) -> str | None:
    """What SQLite finds wrong with the file, in its words, or None."""
    with reading(path) as connection:
        try:
            said: str = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        except sqlite3.Error as error:
            said = str(error)
    return None if said == "ok" else said
