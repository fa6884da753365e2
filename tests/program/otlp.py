# SPDX-License-Identifier: Apache-2.0
"""What the tests send: OTLP requests as JSON and protobuf, and remote write by a protobuf encoder of fifteen lines."""

import gzip
import itertools
import os
import struct
import time

import requests
import snappy
import zstandard
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

REQUEST = {"metrics": ExportMetricsServiceRequest, "traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest}
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
_counter = itertools.count()


def unique(prefix="t"):
    """A name that no other test uses."""
    return f"{prefix}.{os.getpid()}.{next(_counter)}"


def now_ns():
    return time.time_ns()


# ---- OTLP


def value(v):
    if isinstance(v, bool):
        return {"boolValue": v}
    if isinstance(v, int):
        return {"intValue": str(v)}
    if isinstance(v, float):
        return {"doubleValue": v}
    if isinstance(v, list):
        return {"arrayValue": {"values": [value(x) for x in v]}}
    if isinstance(v, dict):
        return {"kvlistValue": {"values": attributes(v)}}
    return {"stringValue": v}


def attributes(d):
    return [{"key": k, "value": value(v)} for k, v in (d or {}).items()]


def point(v, ts=None, attrs=None):
    return {"asDouble": v, "timeUnixNano": str(ts if ts is not None else now_ns()), "attributes": attributes(attrs)}


def gauge(name, *points, unit="1"):
    return {"name": name, "unit": unit, "gauge": {"dataPoints": list(points)}}


def metrics(*list_of_metrics, resource=None):
    return {
        "resourceMetrics": [
            {
                "resource": {"attributes": attributes({"service.name": "test", **(resource or {})})},
                "scopeMetrics": [{"scope": {"name": "tests"}, "metrics": list(list_of_metrics)}],
            }
        ]
    }


def one(name, v=1.0, ts=None, resource=None):
    """A request with one point."""
    return metrics(gauge(name, point(v, ts)), resource=resource)


def span(name, trace_id=None, span_id=None, parent="", start=None, seconds=0.1, attrs=None, kind=3, **more):
    start = start if start is not None else now_ns() - int(seconds * 1e9)
    return {
        "traceId": trace_id or os.urandom(16).hex(),
        "spanId": span_id or os.urandom(8).hex(),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + int(seconds * 1e9)),
        "attributes": attributes(attrs),
        **more,
    }


def traces(*spans, resource=None):
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": attributes({"service.name": "test", **(resource or {})})},
                "scopeSpans": [{"scope": {"name": "tests"}, "spans": list(spans)}],
            }
        ]
    }


def record(body, attrs=None, event=None, ts=None, severity=9):
    out = {
        "timeUnixNano": str(ts if ts is not None else now_ns()),
        "severityNumber": severity,
        "severityText": "INFO",
        "body": value(body),
        "attributes": attributes(attrs),
    }
    return {**out, "eventName": event} if event else out


def logs(*records, resource=None):
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": attributes({"service.name": "test", **(resource or {})})},
                "scopeLogs": [{"scope": {"name": "tests"}, "logRecords": list(records)}],
            }
        ]
    }


def to_protobuf(request, what="metrics"):
    """Only for what has no ids: protobuf's own JSON spells bytes in base64, OTLP's in hex."""
    return json_format.ParseDict(request, REQUEST[what]()).SerializeToString()


def compress(body, encoding):
    if encoding == "gzip":
        return gzip.compress(body)
    if encoding == "zstd":
        return zstandard.ZstdCompressor().compress(body)
    if encoding == "snappy":
        return snappy.compress(body)
    return body


def post(strata, request, what="metrics", encoding=None, headers=None, timeout=30):
    """Posts a dict as JSON, bytes as protobuf."""
    head = {"Content-Type": "application/x-protobuf" if isinstance(request, bytes) else "application/json"}
    if encoding:
        head["Content-Encoding"] = encoding
    head.update(headers or {})
    if not isinstance(request, (bytes, str)):
        import json

        request = json.dumps(request)
    if isinstance(request, str):
        request = request.encode()
    return requests.post(f"{strata.otlp}/v1/{what}", data=compress(request, encoding), headers=head, timeout=timeout)


# ---- remote write


def varint(n):
    n &= (1 << 64) - 1
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out) + bytes([n])


def field(number, v):
    """int: varint; float: 64 bit; bytes and str: length-delimited."""
    if isinstance(v, float):
        return varint(number << 3 | 1) + struct.pack("<d", v)
    if isinstance(v, int):
        return varint(number << 3) + varint(v)
    v = v.encode() if isinstance(v, str) else v
    return varint(number << 3 | 2) + varint(len(v)) + v


def write1(series, metadata=()):
    """prometheus.WriteRequest. series: [(labels, [(value, ms)])]; metadata: [(type number, family)]."""
    out = b""
    for labels, samples in series:
        body = b"".join(field(1, field(1, k) + field(2, v)) for k, v in sorted(labels.items()))
        body += b"".join(field(2, field(1, float(v)) + field(2, ms)) for v, ms in samples)
        out += field(1, body)
    return out + b"".join(field(3, field(1, kind) + field(2, family)) for kind, family in metadata)


def write2(series):
    """io.prometheus.write.v2.Request. series: [(labels, [(value, ms)], type number, unit)]."""
    symbols, index = [""], {"": 0}

    def ref(text):
        if text not in index:
            index[text] = len(symbols)
            symbols.append(text)
        return index[text]

    out = b""
    for labels, samples, kind, unit in series:
        refs = b"".join(varint(ref(x)) for pair in sorted(labels.items()) for x in pair)
        body = field(1, refs)
        body += b"".join(field(2, field(1, float(v)) + field(2, ms)) for v, ms in samples)
        out += field(5, body + field(5, field(1, kind) + field(4, ref(unit))))
    return b"".join(field(4, s) for s in symbols) + out


def remote_write(strata, body, version=1, raw=None, headers=None, session=None):
    types = {1: "application/x-protobuf", 2: "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
    head = {
        "Content-Type": types[version],
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": {1: "0.1.0", 2: "2.0.0"}[version],
        "User-Agent": "strata-tests",
        **(headers or {}),
    }
    data = raw if raw is not None else snappy.compress(body)
    return (session or requests).post(f"{strata.url}/api/v1/write", data=data, headers=head, timeout=30)
