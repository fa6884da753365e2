# SPDX-License-Identifier: Apache-2.0
"""A real llama.cpp server under the official OpenAI client and instrumentation: strata against the client's truth."""

import json
import time

import pytest

from conftest import free_ports, play_demo

pytestmark = pytest.mark.peer("engine")
SLO_TTFT_S = 2.0


@pytest.fixture(scope="module")
def played(new_strata, tmp_path_factory):
    (port,) = free_ports(1)
    strata = new_strata(
        f'scrape: [{{job: engines, targets: ["127.0.0.1:{port}"], interval: 2s, layer: l6_infer}}]\n'
        f'slo: [{{model: "*", ttft: {SLO_TTFT_S:.0f}s, objective: 0.99}}]\n'
    )
    # The first run builds llama.cpp: at most 15 minutes.
    return strata, play_demo(strata, "llama", port, tmp_path_factory.mktemp("demo"), 0.5, 1500)


def rows(strata, summary):
    begin = min(call["started"] for call in summary["calls"]) - 1
    answer = strata.get(
        "requests", **{"from": begin, "to": time.time() + 60, "model": "tiny", "limit": 100000}
    )
    return answer if isinstance(answer, list) else answer.get("requests", answer.get("rows"))


def test_the_load_was_a_load(played):
    _, summary = played
    steps = summary["steps"]
    assert steps["pressure"]["peak_waiting"] >= 8 and steps["calm"]["peak_waiting"] <= 1
    assert steps["pressure"]["ttft_p99_s"] > 3 * steps["calm"]["ttft_p99_s"]
    assert (
        summary["client"]["statuses"]["aborted"] >= 3
        and summary["client"]["statuses"]["error"] == 2
    )


def test_counts_statuses_and_tokens_equal_the_client(played):
    _, summary = played
    assert summary["strata"] == summary["client"]


def test_every_call_is_one_row_with_its_status(played):
    strata, summary = played
    told = {}
    for row in rows(strata, summary):
        assert row["trace_id"] not in told, "one call, two rows"
        told[row["trace_id"]] = row
    for call in summary["calls"]:
        row = told.pop(call["trace_id"])
        assert row["status"] == call["status"] and row["tenant"] == call["tenant"]
        if call["status"] == "ok":
            assert (row["input_tokens"], row["output_tokens"]) == (
                call["input_tokens"],
                call["output_tokens"],
            )
            assert row["token_source"] in ("provider", "engine")
            assert row["e2e_s"] == pytest.approx(call["ended"] - call["started"], abs=0.25)
    assert not told, "rows that no call made"


def test_tokens_of_aborted_calls_are_estimates(played):
    strata, summary = played
    aborted = [row for row in rows(strata, summary) if row["status"] == "aborted"]
    assert aborted
    for row in aborted:
        assert row["output_tokens"] is None or row["token_source"] == "estimated"
        assert row["useful"] is not True


def test_the_engines_own_counter_is_the_ceiling(played):
    """What hung-up callers were sent is in the engine's counter and in no completed call."""
    _, summary = played
    extra = summary["engine_counters"]["generated"] - summary["strata"]["output_tokens"]
    assert 0 < extra < 0.2 * summary["engine_counters"]["generated"]
    assert summary["engine_counters"]["prompt"] >= summary["strata"]["input_tokens"]


def test_why_names_the_queue_while_it_is_bad(played):
    strata, summary = played
    step = summary["steps"]["pressure"]
    at = (step["begin"] + step["end"]) / 2

    def ask():
        answer = strata.get("why", at=f"{at:.0f}")
        return (
            answer
            if any(
                c["cause"] in ("l6.queue_overload", "l6.kv_saturation") for c in answer["causes"]
            )
            else None
        )

    answer = strata.eventually(ask, 120, "why does not name the queue")
    cause = next(
        c for c in answer["causes"] if c["cause"] in ("l6.queue_overload", "l6.kv_saturation")
    )
    assert any(e["signal"].startswith("inference.") for e in cause["evidence"])
    assert any("ttft" in s["symptom"] for s in answer["symptoms"])


def test_idle_cost_rises_after_the_load_stopped(played):
    strata, summary = played
    end = summary["steps"]["hangup"]["end"]

    def ask():
        found = strata.sql(
            f"SELECT sum(cost) AS cost FROM ledger WHERE class = 'idle_held' AND engine != '' "
            f"AND toUnixTimestamp(minute) >= {int(end)}"
        )
        return found and float(found[0]["cost"] or 0) > 0

    strata.eventually(ask, 200, "no idle_held cost after the load")


def test_the_bill_adds_up(played):
    strata, _ = played
    sums = {}
    for by in ("model", "class", "tenant", "node,model"):
        answer = json.loads(strata.command("cost", "--from", "now-1h", "--by", by, "--json"))
        assert float(answer["residual"]) == 0
        sums[by] = sum(float(row["cost"]) for row in answer["rows"])
    assert len({round(v, 10) for v in sums.values()}) == 1, sums


def test_the_callers_span_can_be_looked_up(played):
    strata, summary = played
    call = next(c for c in summary["calls"] if c["status"] == "ok")
    found = strata.sql(
        f"SELECT SpanName, ServiceName FROM otel_traces WHERE TraceId = '{call['trace_id']}'"
    )
    assert {"SpanName": "chat tiny", "ServiceName": "strata-demo"} in found
    assert strata.get(f"traces/{call['trace_id']}")
