"""The seeds, fixed before any result on the fresh ones was looked at (2026-11-21).

Seen before, and so no longer fresh: 1000 to 1023, with the refit that stopped at a validated epoch; 4000 to
4023, with two folds and the mask of agreeing signs.
"""

TUNING = tuple(range(100, 124))  # look at these as often as you like
FRESH = tuple(range(5000, 5024))  # 24 for every table of docs/benchmark.md (partial sources: to 5047)
FRESH_OPEN_QUESTION = tuple(range(2000, 2024))  # for a transfer step that won on TUNING
FRESH_NEGATIVE_TRANSFER = tuple(range(3000, 3050))  # 50, sources that can only do harm
FRESH_TEMPORAL = tuple(range(5000, 5048))  # 48, of the real-time data (fixed 2026-11-25)
