import asyncpg

from ledger import store
from ledger.config import Database


async def test_every_statement_fits_the_schema(database: Database) -> None:
    constants = [value for name, value in vars(store).items() if name.isupper()]
    statements = [value for value in constants if isinstance(value, str)]
    assert len(statements) > 15
    connection = await asyncpg.connect(database.service_dsn)
    for statement in statements:
        await connection.prepare(statement)
    await connection.close()
