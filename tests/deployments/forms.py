"""What the form of each deployment makes of what a person types: test_forms_in_browser.py types it."""

from typing import Any

WHY = "worse on the night shift"
ASKED: dict[str, dict[str, Any]] = {  # what the flow run is asked for
    "absorb": {"target": "digits-now"},
    "backfill": {"target": "digits-now", "request": {"from_period": "2014", "then": "print"}},
    "retract": {"target": "digits-now", "arrival": "digits/2015/1", "reason": WHY},
    "rollback": {"target": "digits-now", "reason": WHY},
    "promote": {"target": "digits-now", "version": 7, "reason": WHY},
    "target-set": {"target": "digits-now", "settings": ["epochs=12"], "then": "print"},
}
