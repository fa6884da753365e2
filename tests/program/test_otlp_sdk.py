# SPDX-License-Identifier: Apache-2.0
"""The official OpenTelemetry Python SDK over both transports, plain and gzip: what was recorded is in the tables, each
once, with its value and attributes."""

import logging
import math

import grpc
import pytest
from opentelemetry import trace as trace_api
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogs
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetrics
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcTraces
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpLogs
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpMetrics
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpTraces
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode

import otlp

WAYS = ["grpc", "grpc-gzip", "http", "http-gzip"]


@pytest.fixture(params=WAYS)
def way(request):
    return request.param


def exporter(strata, way, what):
    gzip = way.endswith("-gzip")
    if way.startswith("grpc"):
        made = {"metrics": GrpcMetrics, "traces": GrpcTraces, "logs": GrpcLogs}[what]
        return made(
            endpoint=f"http://{strata.grpc}",
            insecure=True,
            timeout=10,
            compression=grpc.Compression.Gzip if gzip else grpc.Compression.NoCompression,
        )
    made = {"metrics": HttpMetrics, "traces": HttpTraces, "logs": HttpLogs}[what]
    return made(
        endpoint=f"{strata.otlp}/v1/{what}",
        timeout=10,
        compression=Compression.Gzip if gzip else Compression.NoCompression,
    )


def resource(way):
    instance = otlp.unique(f"sdk-{way}")
    return instance, Resource.create({"service.name": "sdk-test", "service.instance.id": instance})


def test_metrics(strata, way):
    instance, res = resource(way)
    # No interval: one export, so one point of each series.
    reader = PeriodicExportingMetricReader(exporter(strata, way, "metrics"), export_interval_millis=math.inf)
    provider = MeterProvider(
        [reader],
        resource=res,
        shutdown_on_exit=False,
        views=[View(instrument_name="sdk.exponential", aggregation=ExponentialBucketHistogramAggregation())],
    )
    meter = provider.get_meter("sdk")
    counter = meter.create_counter("sdk.requests", unit="{request}")
    for n in (1, 2, 4):
        counter.add(n, {"route": "/a"})
    counter.add(0.5, {"route": "/b"})
    meter.create_up_down_counter("sdk.open").add(-3)
    meter.create_gauge("sdk.level", unit="By").set(12.25, {"on": True, "n": 7})
    explicit = meter.create_histogram("sdk.explicit", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1.0, 10.0])
    exponential = meter.create_histogram("sdk.exponential", unit="s")
    observed = [0.05, 0.1, 0.5, 2.0, 30.0]
    for v in observed:
        explicit.record(v, {"kind": "e"})
        exponential.record(v)
    assert provider.force_flush()

    where = f"attributes['service.instance.id'] = '{instance}'"
    got = strata.rows(f"SELECT signal, unit, kind, value, attributes, entity, layer, origin FROM measurements WHERE {where}", 4)
    by = {(r["signal"], r["attributes"].get("route", "")): r for r in got}
    assert len(got) == len(by) == 4
    assert by["sdk.requests", "/a"]["value"] == 7 and by["sdk.requests", "/b"]["value"] == 0.5
    assert by["sdk.requests", "/a"]["kind"] == "counter" and by["sdk.requests", "/a"]["unit"] == "{request}"
    assert by["sdk.open", ""]["value"] == -3 and by["sdk.open", ""]["kind"] == "gauge"
    level = by["sdk.level", ""]
    assert level["value"] == 12.25 and level["unit"] == "By"
    assert level["attributes"]["on"] == "true" and level["attributes"]["n"] == "7"
    assert level["attributes"]["service.name"] == "sdk-test"
    for row in got:
        assert (row["layer"], row["origin"], row["entity"]) == ("other", "live", instance)

    got = strata.rows(f"SELECT * FROM histograms WHERE {where}", 2)
    assert len(got) == 2
    by = {r["signal"]: r for r in got}
    e, x = by["sdk.explicit"], by["sdk.exponential"]
    for row in (e, x):
        assert int(row["count"]) == 5 and row["sum"] == pytest.approx(sum(observed), rel=1e-12)
        assert (row["min"], row["max"]) == (0.05, 30.0)
    assert e["form"] == "explicit" and e["bounds"] == [0.1, 1.0, 10.0]
    assert list(map(int, e["counts"])) == [2, 1, 1, 1]
    assert e["attributes"]["kind"] == "e"
    assert x["form"] == "exponential" and sum(map(int, x["counts"])) + int(x["zero_count"]) == 5
    # The buckets hold the values: bucket i of offset o covers (base**(o+i), base**(o+i+1)].
    base = 2 ** (2 ** -int(x["scale"]))
    for v in observed:
        i = math.ceil(math.log(v) / math.log(base) - 1e-9) - 1 - int(x["positive_offset"])
        assert any(int(x["counts"][j]) > 0 for j in (i, i + 1) if 0 <= j < len(x["counts"])), v


def test_traces(strata, way):
    instance, res = resource(way)
    provider = TracerProvider(resource=res, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter(strata, way, "traces")))
    tracer = provider.get_tracer("sdk", "9.9")
    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER, attributes={"a": "b", "n": 5, "list": ["x", "y"]}) as outer:
        outer.add_event("halfway", {"at": "noon"})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT) as inner:
            inner.set_status(Status(StatusCode.ERROR, "it broke"))
        for _ in range(98):
            tracer.start_span("more").end()
    assert provider.force_flush()

    got = strata.rows(f"SELECT * FROM otel_traces WHERE ResourceAttributes['service.instance.id'] = '{instance}'", 100)
    assert len(got) == 100 and len({r["SpanId"] for r in got}) == 100
    by = {r["SpanName"]: r for r in got}
    trace_id = trace_api.format_trace_id(outer.get_span_context().trace_id)
    assert {r["TraceId"] for r in got} == {trace_id}
    o, i = by["outer"], by["inner"]
    assert (o["ServiceName"], o["ScopeName"], o["ScopeVersion"]) == ("sdk-test", "sdk", "9.9")
    assert (o["SpanKind"], i["SpanKind"]) == ("Server", "Client")
    assert i["ParentSpanId"] == o["SpanId"] == trace_api.format_span_id(outer.get_span_context().span_id)
    assert o["ParentSpanId"] == ""
    assert o["SpanAttributes"] == {"a": "b", "n": "5", "list": '["x","y"]'}
    assert o["Events.Name"] == ["halfway"] and o["Events.Attributes"] == [{"at": "noon"}]
    assert (i["StatusCode"], i["StatusMessage"]) == ("Error", "it broke") and o["StatusCode"] == "Unset"
    assert int(o["Duration"]) == outer.end_time - outer.start_time
    waterfall = strata.get(f"traces/{trace_id}")
    assert len(waterfall["spans"]) == 100


def test_logs(strata, way):
    instance, res = resource(way)
    provider = LoggerProvider(resource=res, shutdown_on_exit=False)
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter(strata, way, "logs")))
    log = logging.Logger(f"sdk.{way}")
    log.addHandler(LoggingHandler(logger_provider=provider))
    tracer = TracerProvider(resource=res, shutdown_on_exit=False).get_tracer("sdk")
    with tracer.start_as_current_span("s") as s:
        log.warning("disk %s is %d %% full", "sda", 91, extra={"disk": "sda", "percent": 91})
    log.info("plain")
    assert provider.force_flush()

    got = strata.rows(f"SELECT * FROM otel_logs WHERE ResourceAttributes['service.instance.id'] = '{instance}'", 2)
    assert len(got) == 2
    by = {r["Body"]: r for r in got}
    w = by["disk sda is 91 % full"]
    assert int(w["SeverityNumber"]) == SeverityNumber.WARN.value and w["SeverityText"].startswith("WARN")
    assert w["LogAttributes"]["disk"] == "sda" and w["LogAttributes"]["percent"] == "91"
    assert w["TraceId"] == trace_api.format_trace_id(s.get_span_context().trace_id)
    assert w["ServiceName"] == "sdk-test"
    assert by["plain"]["TraceId"] == ""
