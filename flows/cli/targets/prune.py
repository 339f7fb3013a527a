"""`grasp prune TARGET --keep N`: delete weights that nothing needs any more."""

import typer

from flows.cli.app import app, out, tell
from tasks.extras import need_absorb


@app.command()
def prune(
    target: str = typer.Argument(help="Name of the target."),
    keep: int = typer.Option(..., "--keep", min=0, help="Newest versions that keep their weights, besides."),
    apply: bool = typer.Option(False, "--apply", help="Do it; without it, only say what would be done."),
) -> None:
    """Delete weights of old versions and of sources that no alias, lineage or open arrival needs.

    Figures, cards and the journal stay. A version without weights cannot be rolled back to.

    Example: [bold]grasp prune digits-now --keep 10[/]
    """
    need_absorb("grasp prune")
    from tasks.absorbing.work import open_work
    from tasks.operations.prune import plan_prune
    from tasks.operations.prune import prune as delete

    work = open_work(target, by="grasp prune")
    doomed = plan_prune(work, keep=keep)
    size_mb = sum(doomed.blobs.values()) / 1e6
    out.print(f"{target}: versions {_listed(doomed.kept)} keep their weights")
    out.print(f"{'deleting' if apply else 'would delete'} the weights of versions {_listed(doomed.versions)}")
    out.print(f"and {len(doomed.blobs)} blobs of sources, {size_mb:.1f} MB")
    for key in doomed.blobs:
        tell(f"  {key}")
    if doomed.unread:
        tell(f"no blob is deleted: what other targets need cannot be told: {doomed.unread}")
    for lineage in doomed.unfinished:
        tell(f"kept: what lineage {lineage} would still absorb")
    if not apply:
        out.print("nothing was changed; say --apply to do it")
        return
    delete(work, doomed, keep=keep)
    out.print("done")


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions)) or "none"
