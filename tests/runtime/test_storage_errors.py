"""Errors of the machine as sentences, with the exit code of what helps against them."""

import errno

import duckdb
import pyarrow as pa
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from s3fs.errors import translate_boto_error
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, ProgrammingError

from assets.errors import ConfigError, StorageUnavailable
from assets.runtime.storage_errors import explain


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        pa.ArrowMemoryError("malloc of size 64 failed"),
        duckdb.OutOfMemoryException("could not allocate block"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_a_lack_of_memory_is_one_error_whoever_meets_it(error: Exception) -> None:
    expected = explain(error)
    assert expected
    assert str(expected).endswith("free memory, and run again")
    assert expected.exit_code == 5


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (
            EndpointConnectionError(endpoint_url="http://store"),
            'Could not connect to the endpoint URL: "http',
        ),
        (
            translate_boto_error(ClientError({"Error": {"Code": "503", "Message": "slow down"}}, "Put")),
            "slow down",
        ),
    ],
)
def test_an_object_store_that_is_away_or_busy_says_so(error: Exception, text: str) -> None:
    expected = explain(error)
    assert isinstance(expected, StorageUnavailable)
    assert str(expected).startswith("object store: ")
    assert text in str(expected)


def test_an_address_with_a_wrong_option_is_a_wrong_configuration() -> None:
    engine = create_engine("postgresql+psycopg://reports:s3cret@127.0.0.1:1/reports?sslmod=require")
    with pytest.raises(ProgrammingError) as raised:
        engine.connect()
    expected = explain(raised.value)
    assert isinstance(expected, ConfigError)
    assert str(expected) == 'database: invalid connection option "sslmod"; correct its URL'


def test_a_bug_is_no_expected_error() -> None:
    assert explain(KeyError("Ann")) is None
    with pytest.raises(DBAPIError) as raised, create_engine("sqlite://").connect() as connection:
        connection.execute(text("SELECT nothing"))
    assert not isinstance(explain(raised.value), ConfigError)
