"""`grasp probe`: whether the bucket keeps what the pipeline builds on."""

import typer

from flows.cli.app import app, tell
from tasks.bucket.store import Store
from tasks.settings import StoreSettings, load_settings


@app.command()
def probe(
    create: bool = typer.Option(False, "--create", help="Create the bucket if it is not there."),
) -> None:
    """Try credentials, addressing and conditional writes of the bucket; leaves nothing behind.

    Example: [bold]grasp probe[/]
    """
    from tasks.bucket.probe import probe as probe_store

    settings = load_settings(StoreSettings)
    store = Store.from_settings(settings)
    if create:
        store.create_bucket()
    probe_store(store, settings)
    single = settings.single_publisher and settings.single_worker
    writes = "for one publisher and one worker" if single else "conditional writes"
    tell(f"{store.where} is fit: credentials, addressing, {writes}")
