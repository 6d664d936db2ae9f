"""The keys of the window, as F1 tells them: keys apart by blanks, and what they do."""

SHORTCUTS = (
    ("Ctrl+1  Ctrl+2  Ctrl+3  Ctrl+4  Ctrl+5", "sale, payment, in doubt, receipts, reports"),
    ("F3", "search a fee, or a receipt"),
    ("F4", "customer and permit"),
    ("F6", "the invoices of the sale: Enter changes a line, Del removes it"),
    ("F7", "choose the card reader"),
    ("Shift+F7", "all readers: what is plugged in, and which is which"),
    ("F8", "card payment; try again; take the rest"),
    ("A  P  V  S", "in doubt: ask Invoice Cloud, slip for the payer, paid per portal, seen to"),
    ("Enter", "after a payment: next sale; in doubt: open the payment"),
    ("Ctrl+N", "new sale"),
    ("Ctrl+P", "save the receipt, the slip for the payer, or the report, as PDF"),
    ("F5", "make the report again"),
    ("Esc", "leave a question; never throws money or a payment away"),
    ("F1", "this list"),
)
