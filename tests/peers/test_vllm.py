# SPDX-License-Identifier: Apache-2.0
"""Real vLLM on CPU: KV pressure for real, its span under the caller's, and hung-up callers that it does not count."""

import json

import pytest

from conftest import free_ports, play_demo

pytestmark = pytest.mark.peer("vllm")


@pytest.fixture(scope="module")
def played(new_strata, tmp_path_factory):
    (port,) = free_ports(1)
    strata = new_strata(
        f'scrape: [{{job: engines, targets: ["127.0.0.1:{port}"], interval: 1s, layer: l6_infer}}]\n'
        'slo: [{model: "*", ttft: 2s, objective: 0.99}]\n'
    )
    # The first run installs 5.9 GB; the server needs up to a minute.
    return strata, play_demo(strata, "vllm", port, tmp_path_factory.mktemp("demo"), 0.5, 1800)


def test_pressure_was_real(played):
    _, summary = played
    step = summary["steps"]["pressure"]
    assert step["peak_waiting"] >= 25 and step["peak_kv"] > 0.9
    assert summary["engine_counters"]["preemptions"] > 0


def test_counts_statuses_and_tokens_equal_the_client(played):
    _, summary = played
    assert summary["strata"] == summary["client"]


def test_aborts_are_known_although_the_engine_counts_none(played):
    """An engine that noticed sends no span, one that had finished sends a whole one: aborted both times."""
    strata, summary = played
    aborted = [c for c in summary["calls"] if c["status"] == "aborted"]
    assert len(aborted) >= 3 and summary["engine_counters"]["aborts"] == 0
    ids = ", ".join(f"'{c['trace_id']}'" for c in aborted)
    finished = {
        row["TraceId"]
        for row in strata.sql(
            f"SELECT TraceId FROM otel_traces WHERE SpanName = 'llm_request' AND TraceId IN ({ids})"
        )
    }
    assert len(finished) < len(aborted)
    rows = strata.sql(f"SELECT trace_id, status, token_source FROM requests WHERE trace_id IN ({ids})")
    assert len(rows) == len(aborted)
    for row in rows:
        source = "engine" if row["trace_id"] in finished else "estimated"
        assert (row["status"], row["token_source"]) == ("aborted", source)


def test_the_engines_span_is_a_child_of_the_callers(played):
    strata, summary = played
    done = [c for c in summary["calls"] if c["status"] == "ok"]
    for call in done[:20]:
        spans = strata.sql(
            "SELECT SpanName, SpanId, ParentSpanId FROM otel_traces "
            f"WHERE TraceId = '{call['trace_id']}'"
        )
        caller = [s for s in spans if s["SpanName"] == "chat tiny"]
        engine = [s for s in spans if s["SpanName"] == "llm_request"]
        assert len(caller) == 1 and len(engine) == 1, spans
        assert engine[0]["ParentSpanId"] == caller[0]["SpanId"]


def test_one_row_holds_what_both_spans_know(played):
    strata, summary = played
    call = next(c for c in summary["calls"] if c["status"] == "ok" and c["ttft_s"])
    (row,) = strata.sql(f"SELECT * FROM requests WHERE trace_id = '{call['trace_id']}'")
    assert int(row["output_tokens"]) == call["output_tokens"]
    for column in (
        "queue_s",
        "prefill_s",
        "decode_s",
        "ttft_s",
    ):  # only the engine's span tells these
        assert row[column] is not None, column
    assert float(row["ttft_s"]) <= call["ttft_s"] + 0.5


def test_engine_counters_equal_the_clients_sums(played):
    """Prompt and generation counters hold the completed calls and what hung-up ones were sent."""
    _, summary = played
    engine, client = summary["engine_counters"], summary["client"]
    assert 0 <= engine["generated"] - client["output_tokens"] < 0.2 * engine["generated"]
    assert 0 <= engine["prompt"] - client["input_tokens"] < 0.2 * engine["prompt"]


def test_why_names_kv_saturation(played):
    strata, summary = played
    step = summary["steps"]["pressure"]

    def ask():
        answer = strata.get("why", at=f"{(step['begin'] + step['end']) / 2:.0f}")
        return answer if any(c["cause"] == "l6.kv_saturation" for c in answer["causes"]) else None

    answer = strata.eventually(ask, 120, "why does not name KV saturation")
    cause = next(c for c in answer["causes"] if c["cause"] == "l6.kv_saturation")
    assert any("kv" in e["signal"] for e in cause["evidence"])


def test_the_bill_adds_up(played):
    strata, _ = played
    answer = json.loads(strata.command("cost", "--from", "now-1h", "--by", "tenant", "--json"))
    assert float(answer["residual"]) == 0
    assert answer["rows"]
