"""Card readers on serial and USB: which ports there are, what is on one, and the bytes between.

Nothing here reads a card: the hosted page drives the reader, and what a reader sends unasked is passed over.
Encrypting readers that send their blob over serial are no different: the till never reads it.
"""
