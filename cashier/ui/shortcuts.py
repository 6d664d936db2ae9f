"""The keys of the window, as F1 tells them: keys apart by blanks, and what they do."""

SHORTCUTS = (
    ("Ctrl+1  Ctrl+2  Ctrl+3  Ctrl+4  Ctrl+5", "sale, payment, in doubt, receipts, reports"),
    ("F3", "search a fee, or a receipt; an invoice number, typed or scanned, and Enter retrieve the invoice"),
    ("Shift+F3", "what stands in the search field is an invoice number: look it up"),
    ("F4", "customer and permit; Enter on the account number looks the customer up"),
    ("F5", "sales put aside: Enter resumes one, Del drops it"),
    ("Shift+F5", "put this sale aside under the customer's name"),
    ("F6", "the invoices of the sale: Enter changes a line, Del removes it"),
    ("F7", "choose the card reader"),
    ("Shift+F7", "all readers: what is plugged in, and which is which"),
    ("F8", "card payment; try again; take the rest"),
    ("F9", "cash"),
    ("F10", "check or money order"),
    ("A  P  V  S", "in doubt: ask Invoice Cloud, slip for the payer, paid per portal, seen to"),
    ("Enter", "after a payment: next sale; in doubt: open the payment"),
    ("Ctrl+N", "new sale"),
    ("Ctrl+P", "print the receipt, or a copy; without a printer, and for slips and reports, save it as PDF"),
    ("Ctrl+D", "open the drawer, with a reason"),
    ("Ctrl+R", "make the report again"),
    ("Esc", "leave a question; never throws money or a payment away"),
    ("F1", "this list"),
)
