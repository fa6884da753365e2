# SPDX-License-Identifier: Apache-2.0
"""OTLP/HTTP by hand: encodings, and what is refused how. After every offence the server still takes the next request."""

import gzip
import json
import socket
import time

import pytest
import requests
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse

import otlp
from otlp import gauge, metrics, one, point, post, unique


@pytest.fixture(autouse=True)
def goes_on(strata):
    yield
    assert strata.alive()
    assert post(strata, one(unique("after"))).status_code == 200


def values(strata, signal, n=1):
    rows = strata.rows(f"SELECT value FROM measurements WHERE signal = '{signal}' ORDER BY ts", n)
    return [r["value"] for r in rows]


def absent(strata, signal):
    return strata.one(f"SELECT count() AS n FROM measurements WHERE signal = '{signal}'") == 0


@pytest.mark.parametrize("encoding", [None, "gzip", "zstd"])
@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_forms_and_encodings(strata, form, encoding):
    name = unique("form")
    request = one(name, 42.5)
    answer = post(strata, request if form == "json" else otlp.to_protobuf(request), encoding=encoding)
    assert answer.status_code == 200, answer.text
    if form == "json":
        assert answer.headers["Content-Type"].startswith("application/json") and answer.json() == {}
    else:
        assert answer.headers["Content-Type"] == "application/x-protobuf" and answer.content == b""
    assert values(strata, name) == [42.5]


def test_json_as_other_writers_spell_it(strata):
    name = unique("spelling")
    request = metrics({**gauge(name), "gauge": {"dataPoints": [{"asInt": 7, "timeUnixNano": otlp.now_ns()}], "new": [1]}})
    request["unknownField"] = {"a": 1}
    assert post(strata, request, headers={"Content-Type": "application/json; charset=utf-8"}).status_code == 200
    assert values(strata, name) == [7]


@pytest.mark.parametrize("form", ["json", "protobuf"])
def test_partial_success_keeps_the_good_part(strata, form):
    name = unique("partial")
    request = metrics(gauge(name, point(1.0), point("NaN"), point(3.0, otlp.now_ns() + 1)))
    if form == "protobuf":
        request = otlp.to_protobuf(request)
    answer = post(strata, request)
    assert answer.status_code == 200
    if form == "json":
        partial = answer.json()["partialSuccess"]
        assert str(partial["rejectedDataPoints"]) == "1" and "not_a_number" in partial["errorMessage"]
    else:
        reply = ExportMetricsServiceResponse.FromString(answer.content)
        assert reply.partial_success.rejected_data_points == 1 and "not_a_number" in reply.partial_success.error_message
    assert values(strata, name, 2) == [1.0, 3.0]


def test_partial_success_of_spans_and_logs(strata):
    trace = unique("trace")
    answer = post(strata, otlp.traces(otlp.span(trace), otlp.span(trace, trace_id="00" * 16)), "traces")
    assert answer.status_code == 200 and str(answer.json()["partialSuccess"]["rejectedSpans"]) == "1"
    assert len(strata.rows(f"SELECT SpanId FROM otel_traces WHERE SpanName = '{trace}'", 1)) == 1
    body = unique("log")
    ahead = otlp.now_ns() + 3600 * 10**9
    answer = post(strata, otlp.logs(otlp.record(body), otlp.record(body, ts=ahead)), "logs")
    assert answer.status_code == 200 and str(answer.json()["partialSuccess"]["rejectedLogRecords"]) == "1"
    assert len(strata.rows(f"SELECT Body FROM otel_logs WHERE Body = '{body}'", 1)) == 1


def test_future_is_refused_and_counted(strata):
    name, before = unique("future"), strata.refused("future")
    minute = 60 * 10**9
    answer = post(strata, metrics(gauge(name, point(1.0, otlp.now_ns() + 11 * minute), point(2.0, otlp.now_ns() + 5 * minute))))
    assert str(answer.json()["partialSuccess"]["rejectedDataPoints"]) == "1"
    assert strata.refused("future") == before + 1
    assert values(strata, name) == [2.0]


def test_old_timestamps_are_kept_or_counted(strata):
    name = unique("old")
    day = 86400 * 10**9
    before = sum(strata.status()["ingest"]["refused"].values())
    answer = post(strata, metrics(gauge(name, point(1.0, otlp.now_ns() - day), point(2.0, 1))))
    assert answer.status_code == 200
    kept = values(strata, name)
    counted = sum(strata.status()["ingest"]["refused"].values()) - before
    assert 1.0 in kept and len(kept) + counted == 2


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_unknown_content_type(strata, content_type):
    answer = post(strata, b"\x0a\x00", headers={"Content-Type": content_type})
    assert answer.status_code == 415


def test_unknown_encoding(strata):
    answer = post(strata, json.dumps(one("x")), headers={"Content-Encoding": "br"})
    assert answer.status_code == 415 and "gzip" in answer.text


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_encoding_that_is_none(strata, encoding):
    answer = post(strata, json.dumps(one("x")), headers={"Content-Encoding": encoding})
    assert answer.status_code == 400
    assert answer.json()["code"] == 3 and encoding in answer.json()["message"]


def test_oversize(strata):
    body = json.dumps(one("x")) + " " * (17 << 20)
    try:
        answer = post(strata, body)
    except requests.ConnectionError:
        pytest.fail("the connection ended without an answer")
    assert answer.status_code == 413


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_bomb(strata, encoding):
    bomb = otlp.compress(b"\0" * (300 << 20), encoding)
    assert len(bomb) < 1 << 20
    start = time.monotonic()
    answer = requests.post(
        f"{strata.otlp}/v1/metrics",
        data=bomb,
        headers={"Content-Type": "application/x-protobuf", "Content-Encoding": encoding},
        timeout=30,
    )
    assert answer.status_code == 413 and time.monotonic() - start < 10


def test_json_depth(strata):
    assert post(strata, '{"resourceMetrics":' + "[" * 100_000).status_code == 400
    assert post(strata, '{"a":' * 100_000 + "1" + "}" * 100_000).status_code == 400
    deep = "x"
    for _ in range(60):
        deep = {"k": deep}
    name = unique("deep")
    answer = post(strata, metrics(gauge(name, point(1.0, attrs={"deep": deep}), point(2.0))))
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        assert 2.0 in values(strata, name)


def test_truncated(strata):
    body = otlp.to_protobuf(metrics(*[gauge(unique("cut"), point(1.0)) for _ in range(20)]))
    for cut in (1, 7, len(body) // 2, len(body) - 1):
        answer = post(strata, body[:cut])
        assert answer.status_code in (200, 400)
        if answer.status_code == 200 and answer.content:
            assert ExportMetricsServiceResponse.FromString(answer.content).partial_success.rejected_data_points > 0
    text = json.dumps(one("cut"))
    for cut in (1, len(text) // 2, len(text) - 1):
        assert post(strata, text[:cut]).status_code == 400
    assert post(strata, gzip.compress(body)[:-20], headers={"Content-Encoding": "gzip"}).status_code == 400


def test_wrong_bytes(strata):
    before = strata.refused("malformed")
    for body in (b"\xff" * 100, b"hello", bytes(range(256))):
        assert post(strata, body).status_code in (200, 400)
    for text in ('"text"', "7", "null", '{"resourceMetrics": 7}', '{"metrics": []}', "[1, 2]"):
        assert post(strata, text).status_code == 400, text
    assert strata.refused("malformed") > before


def test_sender_that_hangs_up(strata):
    for part in (b"POST /v1/metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nshort", b"POST /v1", b"\x16\x03\x01"):
        with socket.create_connection(("127.0.0.1", strata.ports["otlp_http"]), timeout=5) as s:
            s.sendall(part)


def test_the_same_batch_counts_once(strata):
    name, before = unique("again"), strata.refused("duplicate")
    request = one(name, 5.0)
    assert [post(strata, request).status_code for _ in range(3)] == [200] * 3
    other = unique("again")
    head = {"x-strata-batch": unique("batch")}
    assert post(strata, one(other, 1.0), headers=head).status_code == 200
    assert post(strata, one(other, 2.0), headers=head).status_code == 200  # the id decides
    assert values(strata, name) == [5.0] and values(strata, other) == [1.0]
    body = unique("log")
    for _ in range(3):
        assert post(strata, otlp.logs(otlp.record(body, ts=1_700_000_000_000_000_000)), "logs").status_code == 200
    assert len(strata.rows(f"SELECT Body FROM otel_logs WHERE Body = '{body}'", 1)) == 1
    assert strata.refused("duplicate") == before + 5


def test_methods_and_paths(strata):
    for method in ("GET", "PUT", "DELETE"):
        answer = requests.request(method, f"{strata.otlp}/v1/metrics", timeout=10)
        assert answer.status_code == 405 and answer.headers["Allow"] == "POST"
    assert post(strata, one("x"), "metric").status_code == 404
    assert requests.post(strata.otlp + "/", data=b"", timeout=10).status_code == 404


def test_empty_requests(strata):
    for what in ("metrics", "traces", "logs"):
        assert post(strata, b"", what).status_code == 200
        assert post(strata, "{}", what).status_code == 200


def test_label_bomb(strata):
    name, before = unique("bomb"), strata.refused("label_limit") + strata.refused("oversize")
    attrs = {f"k{i}": "v" for i in range(10_000)}
    answer = post(strata, metrics(gauge(name, point(1.0, attrs=attrs), point(2.0), point(3.0, attrs={"long": "x" * 100_000}))))
    assert str(answer.json()["partialSuccess"]["rejectedDataPoints"]) == "2"
    assert values(strata, name) == [2.0]
    assert strata.refused("label_limit") + strata.refused("oversize") == before + 2


MESSAGES = '[{"role":"user","content":"the secret"}]'
SECRETS = {
    "gen_ai.input.messages": MESSAGES,
    "gen_ai.output.messages": MESSAGES,
    "gen_ai.system_instructions": "the secret",
    "gen_ai.prompt": "the secret",
    "gen_ai.prompt.0.content": "the secret",
    "gen_ai.completion.0.content": "the secret",
    "llm.input_messages.0.message.content": "the secret",
    "input.value": "the secret",
    "process.command_args": ["serve", "--key", "the secret"],
    "process.command_line": "serve --key the secret",
}


def send_secrets(strata):
    name, body = unique("chat"), unique("event")
    attrs = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **SECRETS}
    event = {"timeUnixNano": str(otlp.now_ns()), "name": "gen_ai.content.prompt", "attributes": otlp.attributes({"gen_ai.prompt": "the secret"})}
    answer = post(strata, otlp.traces(otlp.span(name, attrs=attrs, events=[event])), "traces")
    assert answer.status_code == 200 and "partialSuccess" not in answer.json(), "taken away is not rejected"
    answer = post(strata, otlp.logs(otlp.record("the secret", {"n": body}, event="gen_ai.user.message")), "logs")
    assert answer.status_code == 200 and "partialSuccess" not in answer.json()
    (span,) = strata.rows(f"SELECT * FROM otel_traces WHERE SpanName = '{name}'", 1)
    (log,) = strata.rows(f"SELECT * FROM otel_logs WHERE LogAttributes['n'] = '{body}'", 1)
    return span, log


def test_message_content_is_removed(strata):
    before = strata.refused("content_removed")
    span, log = send_secrets(strata)
    assert "secret" not in json.dumps(span) and "secret" not in json.dumps(log)
    assert span["SpanAttributes"]["gen_ai.request.model"] == "m"
    assert strata.refused("content_removed") >= before + len(SECRETS) + 2


def test_message_content_is_kept_when_asked(start_strata):
    span, log = send_secrets(start_strata({"content": "keep"}))
    for key, text in SECRETS.items():
        assert "secret" in span["SpanAttributes"][key], key
    assert log["Body"] == "the secret"


def test_reserved_names_need_the_scope(start_strata, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.write_text("write-token-0123456789 write w\nagent-token-0123456789 agent a\n")
    strata = start_strata({"auth": {"tokens_file": str(tokens)}})
    resource = {"strata.origin": "elsewhere"}

    def send(token, name):
        return post(strata, one(name, 1.0, resource=resource), headers={"Authorization": f"Bearer {token}"})

    plain, agent = unique("plain"), unique("agent")
    assert send("write-token-0123456789", plain).status_code == 200
    assert strata.refused("reserved") >= 1
    assert send("agent-token-0123456789", agent).status_code == 200
    rows = strata.rows(f"SELECT signal, origin FROM measurements WHERE signal IN ('{plain}', '{agent}')", 2)
    assert {(r["signal"], r["origin"]) for r in rows} == {(plain, "live"), (agent, "elsewhere")}
    holding = otlp.logs(otlp.record("", {"gpu": "GPU-x", "node": "n", "source": "test", "share": 1.0}, event="strata.holding"))
    answer = post(strata, holding, "logs", headers={"Authorization": "Bearer write-token-0123456789"})
    assert str(answer.json()["partialSuccess"]["rejectedLogRecords"]) == "1"
    answer = post(strata, holding, "logs", headers={"Authorization": "Bearer agent-token-0123456789"})
    assert "partialSuccess" not in answer.json()
    assert strata.rows("SELECT gpu FROM holdings WHERE gpu = 'GPU-x'", 1)
