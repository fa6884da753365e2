# SPDX-License-Identifier: Apache-2.0
"""OTLP/JSON as the protocol spells it: 64-bit integers as text, ids in hex, times in nanoseconds since world start."""


def value_of(value):
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [value_of(v) for v in value]}}
    return {"stringValue": value}


def attributes(pairs):
    return [{"key": key, "value": value_of(value)} for key, value in pairs.items()]


def nanos(t):
    return str(int(round(t * 1e6)) * 1000)


def point(t, value, attrs=None, start=None):
    out = {"timeUnixNano": nanos(t)}
    if start is not None:
        out["startTimeUnixNano"] = nanos(start)
    if attrs:
        out["attributes"] = attributes(attrs)
    if isinstance(value, int):
        out["asInt"] = str(value)
    else:
        out["asDouble"] = value
    return out


def gauge(name, unit, points):
    return {"name": name, "unit": unit, "gauge": {"dataPoints": points}}


def up_down(name, unit, points):
    return {
        "name": name,
        "unit": unit,
        "sum": {"aggregationTemporality": 2, "isMonotonic": False, "dataPoints": points},
    }


def counter(name, unit, points):
    return {
        "name": name,
        "unit": unit,
        "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points},
    }


def resource_metrics(resource, scope, metrics):
    return {
        "resource": {"attributes": attributes(resource)},
        "scopeMetrics": [{"scope": {"name": scope}, "metrics": metrics}],
    }


def resource_spans(resource, scope, spans):
    return {
        "resource": {"attributes": attributes(resource)},
        "scopeSpans": [{"scope": {"name": scope}, "spans": spans}],
    }
