"""Steps from one shape of the tables to the next (Alembic), taken when a store is opened."""
from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from ...errors import StoreError

if TYPE_CHECKING:
    from ..engine import Engine

HEAD = "0001"  # the newest step in versions/; a test holds it
_TABLE = "alembic_version"


def migrate(engine: Engine) -> None:
    """Bring the tables to HEAD; a store of a newer program is refused."""
    present = _version(engine)
    if present == HEAD:
        return
    if engine.read_only:
        raise StoreError("the store is of an older shape" if present else "there is no store yet", engine.shown, "Open it once for writing: fivefifty ingest KIND PATH")
    if present and present not in {path.name[:4] for path in (Path(__file__).parent / "versions").glob("0*.py")}:
        raise StoreError("a newer version of fivefifty made this store", engine.shown, "Use that version, or choose another store with --store.")
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, HEAD)


def _version(engine: Engine) -> str:
    with engine.reading() as connection:
        if not sa.inspect(connection).has_table(_TABLE):
            return ""
        return str(connection.exec_driver_sql(f"SELECT version_num FROM {_TABLE}").scalar() or "")
