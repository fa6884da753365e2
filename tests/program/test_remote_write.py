# SPDX-License-Identifier: Apache-2.0
"""Prometheus remote write 1.0 and 2.0 from a sender written by hand."""

import json
import struct
import time

import pytest
import snappy

import otlp
from otlp import STALE, remote_write, unique, write1, write2


def ms():
    return time.time_ns() // 1_000_000


def measured(strata, signal, n=1):
    return strata.rows(
        f"SELECT toUnixTimestamp64Milli(ts) AS ms, value, kind, unit, attributes, entity FROM measurements "
        f"WHERE signal = '{signal}' ORDER BY attributes['i'], ts",
        n,
    )


def body_of(version, series, kind=0, unit=""):
    if version == 1:
        return write1(series, [(kind, series[0][0]["__name__"])] if kind else [])
    return write2([(labels, samples, kind, unit) for labels, samples in series])


@pytest.mark.parametrize("version", [1, 2])
def test_all_samples_with_their_labels(strata, version):
    name, t = unique("rw").replace(".", "_"), ms()
    series = [({"__name__": name, "job": "j", "instance": f"h{i}:1", "i": str(i)}, [(i + 0.5, t - 1000), (i + 1.5, t)]) for i in range(50)]
    answer = remote_write(strata, body_of(version, series), version)
    assert answer.status_code in (200, 204), answer.text
    if version == 2:
        assert answer.headers["X-Prometheus-Remote-Write-Samples-Written"] == "100"
        assert answer.headers["X-Prometheus-Remote-Write-Histograms-Written"] == "0"
        assert answer.headers["X-Prometheus-Remote-Write-Exemplars-Written"] == "0"
    rows = measured(strata, name, 100)
    assert len(rows) == 100
    got = {(r["attributes"]["i"], int(r["ms"])): r for r in rows}
    for i in range(50):
        assert got[str(i), t - 1000]["value"] == i + 0.5 and got[str(i), t]["value"] == i + 1.5
        assert got[str(i), t]["attributes"]["job"] == "j" and got[str(i), t]["entity"] == f"h{i}:1"


@pytest.mark.parametrize("version", [1, 2])
def test_kind_from_metadata(strata, version):
    name = unique("kind").replace(".", "_")
    answer = remote_write(strata, body_of(version, [({"__name__": name, "instance": "a:1"}, [(3, ms())])], kind=1, unit="seconds"), version)
    assert answer.status_code in (200, 204)
    (row,) = measured(strata, name)
    assert row["kind"] == "counter"
    if version == 2:
        assert row["unit"] == "s"


def test_known_engine_names_become_signals(strata):
    instance = unique("engine")
    labels = {"__name__": "vllm:num_requests_running", "instance": instance, "model_name": "m"}
    assert remote_write(strata, write1([(labels, [(3, ms())])])).status_code in (200, 204)
    row = strata.rows(f"SELECT signal, layer, value, entity_type FROM measurements WHERE attributes['service.instance.id'] = '{instance}'", 1)[0]
    assert (row["layer"], row["value"], row["entity_type"]) == ("l6_infer", 3, "engine")
    assert row["signal"].startswith("inference.")


@pytest.mark.parametrize("version", [1, 2])
def test_stale_marker_ends_the_series(strata, version):
    name, t = unique("stale").replace(".", "_"), ms()
    series = [({"__name__": name, "instance": "a:1"}, [(7, t - 2000), (STALE, t)])]
    before = strata.refused("not_a_number")
    assert remote_write(strata, body_of(version, series), version).status_code in (200, 204)
    assert [r["value"] for r in measured(strata, name)] == [7]
    assert strata.refused("not_a_number") == before, "a stale marker is no refusal"
    assert strata.one(f"SELECT sum(value) AS s FROM measurements WHERE signal = '{name}'") == 7


def test_nan_is_refused_and_the_rest_kept(strata):
    name, t, before = unique("nan").replace(".", "_"), ms(), strata.refused("not_a_number")
    assert remote_write(strata, write1([({"__name__": name}, [(float("nan"), t - 1000), (1, t)])])).status_code in (200, 204)
    assert [r["value"] for r in measured(strata, name)] == [1]
    assert strata.refused("not_a_number") == before + 1


def test_out_of_order_and_far_ahead(strata):
    name, t, before = unique("order").replace(".", "_"), ms(), strata.refused("future")
    for dt in (0, -5000, -60_000, -1000):
        assert remote_write(strata, write1([({"__name__": name}, [(dt, t + dt)])])).status_code in (200, 204)
    answer = remote_write(strata, write1([({"__name__": name}, [(1, t + 3_600_000)])]))
    assert answer.status_code == 400 and "future" in answer.text
    assert [r["value"] for r in measured(strata, name, 4)] == [-60_000, -5000, -1000, 0]
    assert strata.refused("future") == before + 1


@pytest.mark.parametrize("version", [1, 2])
def test_a_resend_counts_once(strata, version):
    name = unique("resend").replace(".", "_")
    body = body_of(version, [({"__name__": name}, [(1, ms())])])
    for _ in range(3):
        assert remote_write(strata, body, version).status_code in (200, 204)
    assert len(measured(strata, name)) == 1


def test_visible_within_three_seconds(strata):
    for _ in range(3):
        name = unique("soon").replace(".", "_")
        assert remote_write(strata, write1([({"__name__": name}, [(1, ms())])])).status_code in (200, 204)
        acked = time.monotonic()
        while True:
            done = strata.run("sql", f"SELECT count() AS n FROM measurements WHERE signal = '{name}'", "--format", "jsonl")
            assert done.returncode == 0, done.stderr
            if int(json.loads(done.stdout)["n"]) == 1:
                break
            assert time.monotonic() - acked < 3, "not visible 3 s after the answer"
        assert time.monotonic() - acked < 3


def test_offences(strata):
    t = ms()
    good = write1([({"__name__": unique("ok").replace(".", "_")}, [(1, t)])])
    assert remote_write(strata, b"", raw=b"no snappy at all").status_code == 400
    assert remote_write(strata, b"", raw=snappy.compress(good)[:-3]).status_code == 400
    assert remote_write(strata, b"\xff\xff\xff\xff\xff").status_code == 400
    assert remote_write(strata, good, headers={"Content-Type": "text/plain"}).status_code == 415
    assert remote_write(strata, good, headers={"Content-Encoding": "br"}).status_code == 415
    # A frame that claims 4 GB.
    assert remote_write(strata, b"", raw=b"\xff\xff\xff\xff\x0f" + b"x").status_code in (400, 413)
    assert strata.session.get(f"{strata.url}/api/v1/write").status_code == 405

    before = {r: strata.refused(r) for r in ("unnamed", "malformed", "label_limit", "oversize", "unsupported")}
    assert remote_write(strata, write1([({"job": "j"}, [(1, t)])])).status_code == 400
    assert remote_write(strata, write1([({"__name__": "x", **{f"l{i}": "v" for i in range(10_000)}}, [(1, t)])])).status_code == 400
    assert remote_write(strata, write1([({"__name__": "x", "l": "v" * 100_000}, [(1, t)])])).status_code == 400
    # 2.0: a reference beyond the symbol table.
    beyond = otlp.field(4, "") + otlp.field(5, otlp.field(1, otlp.varint(1) + otlp.varint(2)) + otlp.field(2, otlp.field(1, 1.0) + otlp.field(2, t)))
    assert remote_write(strata, beyond, version=2).status_code == 400
    # A native histogram is counted, the samples beside it are kept.
    name = unique("native").replace(".", "_")
    series = otlp.field(1, otlp.field(1, "__name__") + otlp.field(2, name))
    request = otlp.field(1, series + otlp.field(2, otlp.field(1, 4.0) + otlp.field(2, t)) + otlp.field(4, otlp.field(1, 1)))
    assert remote_write(strata, request).status_code in (200, 204)
    assert [r["value"] for r in measured(strata, name)] == [4]
    for reason, n in before.items():
        assert strata.refused(reason) > n, reason
    assert remote_write(strata, good).status_code in (200, 204)


def test_stale_marker_is_the_one_prometheus_sends():
    assert struct.pack("<d", STALE) == struct.pack("<Q", 0x7FF0000000000002)
