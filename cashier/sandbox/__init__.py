"""A stand-in for Invoice Cloud: for training at the counter and as the far side of tests.

Written against the Invoice Cloud contract and importing nothing else of this product, so that it checks the
gateway instead of agreeing with it. No money moves here and only listed test cards are taken.
"""
