"""A bucket of a server of S3."""

import pytest

from tests.s3_server import Bucket, new_bucket


@pytest.fixture(params=["moto", pytest.param("minio", marks=pytest.mark.stack)])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return new_bucket(request.getfixturevalue(f"{request.param}_server"), monkeypatch)
