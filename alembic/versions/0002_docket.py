"""The docket's table: what every judgment needs whole, one row for each thing said."""

from alembic import op

revision = "0002"
down_revision = "0001"

DOCKET = """
-- Each series is numbered from 0, and each of its rows is written once.
CREATE TABLE docket (
    log     text     NOT NULL,
    version smallint NOT NULL,
    series  text     NOT NULL,
    number  bigint   NOT NULL CHECK (number >= 0),
    row     bytea    NOT NULL,
    PRIMARY KEY (log, version, series, number)
);
GRANT SELECT, INSERT ON docket TO writ_service;
"""


def upgrade() -> None:
    """Make the table. Cursors of older versions keep their dockets whole: nobody reads them any more."""
    op.get_context().config.attributes["run_script"](DOCKET)


def downgrade() -> None:
    """Refuse: older code folds into a version of its own, and this table is not in its way."""
    raise NotImplementedError("older code needs no table taken away")
