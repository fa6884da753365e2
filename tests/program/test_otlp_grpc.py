# SPDX-License-Identifier: Apache-2.0
"""OTLP/gRPC by hand: what is refused how, partial success, duplicates. The channel lives on after each offence."""

import grpc
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

import otlp
from otlp import gauge, metrics, one, point, unique

SERVICE = "/opentelemetry.proto.collector.{}.v1.{}Service/Export"


@pytest.fixture(scope="module")
def export(strata):
    with grpc.insecure_channel(strata.grpc) as channel:

        def send(body, what="metrics", **options):
            name = {"metrics": "Metrics", "traces": "Trace", "logs": "Logs"}[what]
            return channel.unary_unary(SERVICE.format(what.replace("traces", "trace"), name))(body, timeout=20, **options)

        yield send


@pytest.fixture(autouse=True)
def goes_on(strata, export):
    yield
    assert export(otlp.to_protobuf(one(unique("after")))) == b"" and strata.alive()


def test_partial_success(strata, export):
    name = unique("grpc")
    body = otlp.to_protobuf(metrics(gauge(name, point(1.0), point("NaN"), point(2.0, otlp.now_ns() + 3600 * 10**9))))
    partial = ExportMetricsServiceResponse.FromString(export(body)).partial_success
    assert partial.rejected_data_points == 2
    assert "not_a_number" in partial.error_message and "future" in partial.error_message
    assert [r["value"] for r in strata.rows(f"SELECT value FROM measurements WHERE signal = '{name}'", 1)] == [1.0]


@pytest.mark.parametrize("body", [b"\xff" * 64, b"hello there", b"\x0a\xff\xff\xff\x7f"], ids=["ff", "text", "cut"])
@pytest.mark.parametrize("what", ["metrics", "traces", "logs"])
def test_broken_bytes(export, what, body):
    with pytest.raises(grpc.RpcError) as refused:
        export(body, what)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT and refused.value.details()


def test_empty_requests(export):
    for what in ("metrics", "traces", "logs"):
        assert export(b"", what) == b""


def test_oversize(export):
    with pytest.raises(grpc.RpcError) as refused:
        export(b"\0" * (17 << 20))
    assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


def test_bomb(export):
    with pytest.raises(grpc.RpcError) as refused:
        export(b"\0" * (200 << 20), compression=grpc.Compression.Gzip)
    assert refused.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL)


def test_the_same_batch_counts_once(strata, export):
    body, name = unique("log"), unique("batch")
    request = otlp.to_protobuf(otlp.logs(otlp.record(body)), "logs")
    for _ in range(3):
        assert export(request, "logs", metadata=[("x-strata-batch", name)]) == b""
    assert len(strata.rows(f"SELECT Body FROM otel_logs WHERE Body = '{body}'", 1)) == 1
