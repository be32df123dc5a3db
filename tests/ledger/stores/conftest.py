"""Servers that the tests of connectors look into, one a session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.stores.private_servers import mariadb, s3_service


@pytest.fixture(scope="session")
def mariadb_socket() -> Iterator[Path]:
    """Where a MariaDB of the tests' own listens."""
    with mariadb() as socket:
        yield socket


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """Where a service of the tests' own speaks S3."""
    with s3_service() as url:
        yield url
