"""The journal: one SQLite file, append-only, hash-chained; the one truth of the till."""
