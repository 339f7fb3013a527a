"""The table of settings, from the pydantic settings themselves."""

from collections.abc import Sequence

from pydantic import AliasChoices
from pydantic.fields import FieldInfo

from deployments.notifications import NotifySettings
from tasks.settings import Settings, StoreSettings, WatchSettings

NEEDED_BY = (
    (StoreSettings, "Every command"),
    (WatchSettings, "Watch, `explain`, `requeue`, beside those"),
    (Settings, "Absorb, `status` and all that asks MLflow, beside those"),
    (NotifySettings, "`grasp deploy`"),
)


def page() -> str:
    """Give one table for each kind of settings, with the fields that it adds."""
    lines, seen = [], set[str]()
    for kind, who in NEEDED_BY:
        fields = {name: field for name, field in kind.model_fields.items() if name not in seen}
        seen |= set(fields)
        lines += [f"## {who}", "", *table(("variable", "meaning", "default"), map(_row, fields.values())), ""]
    return "# Settings\n\n" + "\n".join(lines)


def table(head: Sequence[str], rows: object) -> list[str]:
    """Give the lines of a Markdown table."""
    cells = [head, ["---"] * len(head), *rows]  # type: ignore[misc]
    return ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in cells]


def _row(field: FieldInfo) -> tuple[str, str, str]:
    default = "needed" if field.is_required() else "" if field.default is None else f"`{field.default}`"
    return " or ".join(f"`{name}`" for name in names(field)), field.description or "", default


def names(field: FieldInfo) -> list[str]:
    """Name the variables that a field is read from."""
    alias = field.validation_alias
    return [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [str(alias)]
