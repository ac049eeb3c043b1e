"""Servers of S3 for tests: moto's in this process, and MinIO. Each test gets its own bucket."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest

from devtools import minio
from devtools.weaviate import free_ports
from swatchbook.domain.errors import Configuration

SECRET = minio.PASSWORD
"""The secret key of every server here."""


@dataclass(frozen=True)
class S3Server:
    url: str

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": minio.USER,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",  # LanceDB otherwise insists on https
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=minio.USER,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
        )


@dataclass(frozen=True)
class Bucket:
    server: S3Server
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}"

    def put(self, key: str, data: bytes) -> None:
        self.server.client().put_object(Bucket=self.name, Key=key, Body=data)

    def read(self, key: str) -> bytes:
        data: bytes = self.server.client().get_object(Bucket=self.name, Key=key)["Body"].read()
        return data

    def names(self) -> list[str]:
        pages = self.server.client().get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [each["Key"] for page in pages for each in page.get("Contents", ())]


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    from moto.server import ThreadedMotoServer

    (port,) = free_ports(1)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    yield S3Server(f"http://127.0.0.1:{port}")
    server.stop()


@pytest.fixture(scope="session")
def minio_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    try:
        minio.find_server()
    except Configuration as reason:
        pytest.skip(str(reason))
    (port,) = free_ports(1)
    server = minio.start(tmp_path_factory.mktemp("minio"), port=port)
    yield S3Server(server.url)
    server.stop()


@pytest.fixture
def bucket(moto_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return new_bucket(moto_server, monkeypatch)


@pytest.fixture
def minio_bucket(minio_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    return new_bucket(minio_server, monkeypatch)


def leave_unanswered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody answer this process at the address of S3; it knocks once."""
    (port,) = free_ports(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def new_bucket(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    name = f"shop-{uuid4().hex[:12]}"
    server.client().create_bucket(Bucket=name)
    return Bucket(server, name)
