"""What the verbs of receipts do."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from cashier.clock import SystemClock, SystemRandomness
from cashier.domain.errors import Refused
from cashier.domain.language import ENGLISH, Language
from cashier.domain.prints import PrintState
from cashier.till.ports import PrintOutcome, PrintResult


def show_receipt(
    journals: Sequence[Path], number: str, width: int, language: str, languages: Mapping[str, Language]
) -> str:
    """A receipt of one of some journal files as text, found without their locks. Raises Refused."""
    from cashier.domain.columns import lay_out, plain_text
    from cashier.domain.corrections import Void, corrections_of
    from cashier.domain.receipt_text import Marks, receipt_paper
    from cashier.journal.search import search_file
    from cashier.journal.walk import walking_entries
    from cashier.paper.pen import local_time

    if (language or ENGLISH.code) not in languages:
        raise Refused(f"There is no paper in {language[:16]!r}; there is {', '.join(sorted(languages))}.")
    for journal in journals:
        found = search_file(journal, number, 1, SystemClock().today)
        if found and found[0].number.casefold() == number.casefold():
            receipt = found[0]
            break
    else:
        raise Refused(f"There is no receipt {number[:24]}.")
    with walking_entries(journal) as entries:
        of_sale = (entry for entry in entries if entry.subject == receipt.sale_id)
        voids = [item for item in corrections_of(of_sale) if isinstance(item, Void)]
    void = next((item for item in voids if item.receipt == receipt.number), None)
    paper = receipt_paper(receipt, local_time, languages[language or ENGLISH.code], Marks(void=void))
    return plain_text(lay_out(paper.items, width), width)


async def print_receipt(settings_file: Path, number: str, language: str) -> PrintResult:
    """Print a copy by the printer of the settings; recorded like every print. Raises Refused.

    The journal must not be in use: where the window is open, it prints.
    """
    from cashier.adapters import printing_of
    from cashier.data_files import journal_of, real_settings, rescued_of
    from cashier.secrets import Secrets
    from cashier.till.printing import Printing
    from cashier.till.rescued import Rescued

    settings = real_settings(settings_file)
    clock = SystemClock()
    secrets = Secrets(settings.site, settings.till, os.environ)
    with journal_of(settings, clock) as journal:
        config = settings.till_config(account_required=False)
        rescued = Rescued(rescued_of(settings, clock))
        prints = printing_of(settings, secrets)
        printing = Printing(prints, config, clock, SystemRandomness(), journal, rescued)
        asked = printing.ask(number, language)
        await printing.work()
        [done] = [item for item in printing.prints(asked.receipt) if item.id == asked.id]
    outcome = {
        PrintState.PRINTED: PrintOutcome.PRINTED,
        PrintState.UNKNOWN: PrintOutcome.UNKNOWN,
    }.get(done.state, PrintOutcome.NOT_PRINTED)
    note = printing.view().message if outcome is PrintOutcome.PRINTED else ""
    return PrintResult(outcome, done.reason, note=note)
