# SPDX-License-Identifier: Apache-2.0
"""The demo world: reproducible, well formed, and its layers tell one story."""

import collections
import gzip
import json
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORLD = ROOT / "worlds" / "demo"
sys.path.insert(0, str(ROOT / "tools"))

from worldgen import build, story  # noqa: E402

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(\{[^{}]*\})? (\S+)$")
LIMIT_BYTES = 1_500_000


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    results = [build.build(folder) for folder in folders]
    return folders, results[0]


@pytest.fixture(scope="module")
def lines():
    out = []
    for path in sorted(WORLD.glob("*.jsonl.gz")):
        for text in gzip.open(path, "rt"):
            out.append({"file": path.name, **json.loads(text)})
    return out


def page(line):
    out = {}
    for text in line["body"].splitlines():
        if text and not text.startswith("#"):
            name, labels, value = SAMPLE.match(text).groups()
            key = name + (labels or "")
            assert key not in out, f"{key} twice in the page of {line['t']}"
            out[key] = float(value)
    return out


def pages(lines, target):
    return [
        (line["t"], page(line))
        for line in lines
        if line["kind"] == "prom" and line["target"] == target
    ]


def attributes(pairs):
    return {p["key"]: next(iter(p["value"].values())) for p in pairs}


def spans(lines):
    for line in lines:
        if line["kind"] == "otlp-traces":
            for resource in line["body"]["resourceSpans"]:
                service = attributes(resource["resource"]["attributes"])["service.name"]
                for span in resource["scopeSpans"][0]["spans"]:
                    yield line["t"], service, span, attributes(span["attributes"])


def engine_counter(sample_page, name, **labels):
    for key, value in sample_page.items():
        if key.startswith(f"vllm:{name}{{") and all(f'{k}="{v}"' in key for k, v in labels.items()):
            return value
    raise AssertionError(name)


def test_build_is_reproducible_and_committed(built):
    folders, _ = built
    names = sorted(p.name for p in folders[0].iterdir())
    assert names == sorted(p.name for p in WORLD.iterdir() if p.is_file())
    for name in names:
        first = (folders[0] / name).read_bytes()
        assert first == (folders[1] / name).read_bytes(), f"{name} differs between two builds"
        committed = (WORLD / name).read_bytes()
        if name.endswith(".gz"):  # another zlib may pack the same text differently
            first, committed = gzip.decompress(first), gzip.decompress(committed)
        assert first == committed, f"{name}: run tools/world build demo"


def test_size():
    assert sum(p.stat().st_size for p in WORLD.rglob("*") if p.is_file()) <= LIMIT_BYTES


def test_every_line_is_whole_and_in_order(lines):
    last = collections.defaultdict(float)
    kinds = {"prom", "otlp-metrics", "otlp-traces", "otlp-logs", "nccl-inspector", "train-log"}
    seen = set()
    for line in lines:
        assert line["kind"] in kinds
        seen.add(line["kind"])
        assert 0 <= line["t"] < story.DURATION_S
        assert line["t"] >= last[line["file"]], f"{line['file']} out of order at {line['t']}"
        last[line["file"]] = line["t"]
        assert isinstance(line["body"], dict) == line["kind"].startswith("otlp"), line["kind"]
        assert (line["kind"] == "prom") == ("target" in line)
    assert seen == kinds


def test_no_time_lies_after_its_arrival(lines):
    def stamps(node):
        if isinstance(node, dict):
            for key, value in node.items():
                if key.endswith("UnixNano"):
                    yield int(value)
                else:
                    yield from stamps(value)
        elif isinstance(node, list):
            for item in node:
                yield from stamps(item)

    for line in lines:
        if line["kind"].startswith("otlp"):
            for stamp in stamps(line["body"]):
                assert 0 <= stamp <= line["t"] * 1e9 + 1e6, (line["kind"], line["t"], stamp)


@pytest.mark.parametrize("target", [story.ENGINE_TARGET, story.DCGM_TARGET])
def test_counters_of_pages_never_fall(lines, target):
    counted = re.compile(r".*_(total|bucket|count|sum)(\{|$)|DCGM_FI_DEV_TOTAL_ENERGY")
    before, checked = {}, 0
    for t, now in pages(lines, target):
        for key, value in now.items():
            if counted.match(key):
                assert value >= before.get(key, 0.0), (t, key)
                checked += 1
        before = now
    assert checked > 900


def test_counters_of_otlp_never_fall_and_start_with_the_world(lines):
    before, checked = {}, 0
    for line in lines:
        if line["kind"] != "otlp-metrics":
            continue
        for resource in line["body"]["resourceMetrics"]:
            who = json.dumps(resource["resource"])
            for metric in resource["scopeMetrics"][0]["metrics"]:
                if not metric.get("sum", {}).get("isMonotonic"):
                    continue
                for point in metric["sum"]["dataPoints"]:
                    assert point["startTimeUnixNano"] == "0"
                    key = who + metric["name"] + json.dumps(point.get("attributes", []))
                    value = float(point.get("asInt", point.get("asDouble")))
                    assert value >= before.get(key, 0.0), (line["t"], metric["name"])
                    before[key] = value
                    checked += 1
    assert checked > 1000


def test_histograms_are_whole(lines):
    _, last = pages(lines, story.ENGINE_TARGET)[-1]
    families = {re.match(r"(.*)_bucket", k).group(1) for k in last if "_bucket{" in k}
    assert len(families) >= 10
    for family in families:
        buckets = [v for k, v in last.items() if k.startswith(family + "_bucket{")]
        assert buckets == sorted(buckets)
        assert buckets[-1] == next(v for k, v in last.items() if k.startswith(family + "_count"))


def test_engine_and_callers_agree(lines):
    _, last = pages(lines, story.ENGINE_TARGET)[-1]
    client, server, refused, aborted = [], {}, 0, 0
    for _, service, span, attrs in spans(lines):
        if service == "vllm":
            server[span["parentSpanId"]] = (span, attrs)
        elif "error.type" in attrs:
            refused += 1
        elif "gen_ai.usage.output_tokens" in attrs:
            client.append((span, attrs))
        else:
            aborted += 1
            assert span["status"] == {}
    assert 1200 <= len(client) + aborted + refused <= 2000
    assert aborted > 40 and refused > 5
    assert (
        len(client)
        == len(server)
        == sum(
            engine_counter(last, "request_success_total", finished_reason=r)
            for r in ("stop", "length")
        )
    )
    assert engine_counter(last, "request_success_total", finished_reason="abort") == 0
    prompt = output = 0
    for span, attrs in client:
        child, told = server[span["spanId"]]
        assert child["traceId"] == span["traceId"]
        assert int(span["startTimeUnixNano"]) < int(child["startTimeUnixNano"])
        assert int(child["endTimeUnixNano"]) < int(span["endTimeUnixNano"])
        assert attrs["gen_ai.usage.input_tokens"] == told["gen_ai.usage.prompt_tokens"]
        assert attrs["gen_ai.usage.output_tokens"] == told["gen_ai.usage.completion_tokens"]
        assert (attrs["server.address"], attrs["server.port"]) == ("gpu-node-1", "8000")
        prompt += int(attrs["gen_ai.usage.input_tokens"])
        output += int(attrs["gen_ai.usage.output_tokens"])
    # What hung-up calls had generated is in the engine's counters and in no span.
    assert 0 < engine_counter(last, "generation_tokens_total") - output < 0.05 * output
    assert 0 <= engine_counter(last, "prompt_tokens_total") - prompt < 0.05 * prompt
    assert engine_counter(last, "request_generation_tokens_sum") == output


def test_both_generations_of_span_names(lines):
    old = [a for _, s, _, a in spans(lines) if "gen_ai.system" in a]
    new = [a for _, s, _, a in spans(lines) if "gen_ai.provider.name" in a]
    assert len(old) > 100 and len(new) > 1000
    recorded = set()
    for body in story.recorded_jsonl("genai-spans.jsonl.gz"):
        for resource in body["body"]["resourceSpans"]:
            for span in resource["scopeSpans"][0]["spans"]:
                recorded |= set(attributes(span["attributes"]))
    assert set().union(*old) - {"tenant.id"} <= recorded
    assert set().union(*(a for _, s, _, a in spans(lines) if s == "vllm")) <= recorded


def window(rows, episode, late=0.0):
    return [values for t, values in rows if episode[0] + late < t < episode[1]]


def test_kv_pressure(lines):
    rows = pages(lines, story.ENGINE_TARGET)
    bad, calm = window(rows, story.KV_PRESSURE, 30), window(rows, (0, story.KV_PRESSURE[0]))
    kv = [engine_counter(p, "kv_cache_usage_perc") for p in bad]
    assert max(kv) >= 0.97 and min(kv) > 0.8
    assert max(engine_counter(p, "kv_cache_usage_perc") for p in calm) < 0.4
    waiting = [engine_counter(p, "num_requests_waiting_by_reason", reason="capacity") for p in bad]
    assert max(waiting) >= 30 and max(engine_counter(p, "num_requests_waiting") for p in calm) <= 2
    assert (
        max(engine_counter(p, "num_requests_running") for p in bad) < 64
    )  # batch slots are free, memory is not
    assert engine_counter(bad[-1], "num_preemptions_total") > 50
    assert engine_counter(calm[-1], "num_preemptions_total") == 0
    ttft = {"bad": [], "calm": []}
    for _, service, span, attrs in spans(lines):
        if service == "vllm":
            t = int(span["startTimeUnixNano"]) / 1e9
            side = (
                "bad"
                if story.inside(t, story.KV_PRESSURE)
                else "calm"
                if t < story.KV_PRESSURE[0]
                else None
            )
            if side:
                ttft[side].append(attrs["gen_ai.latency.time_to_first_token"])
    p99 = {k: sorted(v)[int(0.99 * len(v))] for k, v in ttft.items()}
    assert p99["calm"] < 0.2 and p99["bad"] > 9.0


def test_gpus_and_holders(lines):
    rows = pages(lines, story.DCGM_TARGET)
    assert len(rows) == len(story.page_times())
    _, middle = rows[60]
    gpus = {
        re.search(r'gpu="(\d)"', k).group(1): k
        for k in middle
        if k.startswith("DCGM_FI_DEV_GPU_UTIL")
    }
    assert len(gpus) == 8
    recorded = story.recorded_gpus()
    for index, key in gpus.items():
        assert (
            f'UUID="{recorded[int(index)]["UUID"]}"' in key
            and 'modelName="NVIDIA H100 80GB HBM3"' in key
        )
        holder = story.HOLDERS[int(index)]
        assert ("pod=" in key) == (holder is not None)
        assert holder is None or f'namespace="{holder[0]}",pod="{holder[1]}"' in key
    for t, values in rows:
        for key, value in values.items():
            if "_PROF_" in key and "BYTES" not in key:
                assert 0 <= value <= 1, (t, key, value)
    for index in (story.NOTEBOOK_GPU, story.FREE_GPU):
        assert middle[gpus[str(index)]] == 0
    used = {
        i: next(
            v
            for k, v in middle.items()
            if k.startswith("DCGM_FI_DEV_FB_USED") and f'gpu="{i}"' in k
        )
        for i in range(8)
    }
    assert used[story.FREE_GPU] < 100 < 20000 < used[story.NOTEBOOK_GPU]


def test_energy_is_the_integral_of_power(lines):
    rows = pages(lines, story.DCGM_TARGET)
    for index in range(8):
        pick = lambda values, name: next(
            v for k, v in values.items() if k.startswith(name) and f'gpu="{index}"' in k
        )
        joules = sum(
            pick(values, "DCGM_FI_DEV_POWER_USAGE") * (t - rows[i][0])
            for i, (t, values) in enumerate(rows[1:])
        )
        counted = pick(rows[-1][1], "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION") / 1000
        assert abs(joules - counted) < 0.001 * joules + 1


def collectives(lines):
    for line in lines:
        if line["kind"] == "nccl-inspector":
            for text in line["body"].splitlines():
                yield line["t"], json.loads(text)


def test_straggler(lines):
    shape = story.recorded_jsonl("nccl-inspector.jsonl")[1]
    groups = collections.defaultdict(dict)
    for t, record in collectives(lines):
        for block in ("header", "metadata", "coll_perf"):
            assert set(record[block]) == set(shape[block])
        perf = record["coll_perf"]
        assert perf["event_trace_ts"]["kernel_events"][0]["kernel_stop_ts"] <= t * 1e6
        factor = (2 if perf["coll"] == "AllReduce" else 1) * 3 / 4
        assert perf["coll_busbw_gbs"] == pytest.approx(perf["coll_algobw_gbs"] * factor, rel=1e-5)
        key = (perf["coll"], perf["coll_sn"])
        assert record["header"]["rank"] not in groups[key]
        groups[key][record["header"]["rank"]] = perf
    assert len({sn for _, sn in groups}) == len(groups)
    waits = {"calm": collections.Counter(), "bad": collections.Counter()}
    for (operation, _), ranks in groups.items():
        assert sorted(ranks) == [0, 1, 2, 3]
        starts = {
            r: p["event_trace_ts"]["kernel_events"][0]["kernel_start_ts"] / 1e6
            for r, p in ranks.items()
        }
        if operation != "ReduceScatter":
            continue
        first = min(starts.values())
        side = (
            "bad"
            if story.inside(first - 6, (story.STRAGGLER[0], story.STRAGGLER[1] - 12))
            else "calm"
            if first < 1000
            else None
        )
        for rank, start in starts.items():
            if side:
                waits[side][rank] += max(starts.values()) - start
                waits[side]["n"] += 1
    bad = {r: waits["bad"][r] / (waits["bad"]["n"] / 4) for r in range(4)}
    assert bad[story.SLOW_RANK] == 0 and min(bad[r] for r in (0, 1, 2)) > 1.5
    assert max(waits["calm"][r] / (waits["calm"]["n"] / 4) for r in range(4)) < 0.06


def test_training_log(lines):
    steps = []
    recorded = {
        part.split(":")[0].strip()
        for part in story.recorded_text("megatron-iterations.log").splitlines()[0].split("|")[1:]
    }
    for line in lines:
        if line["kind"] == "train-log" and line["body"].startswith(" iteration "):
            head = line["body"].splitlines()[0]
            keys = {part.split(":")[0].strip() for part in head.split("|")[1:]}
            assert {
                "consumed samples",
                "elapsed time per iteration (ms)",
                "lm loss",
                "learning rate",
                "loss scale",
                "global batch size",
                "number of skipped iterations",
                "number of nan iterations",
            } <= keys & recorded
            number = int(re.search(r"iteration\s+(\d+)/", head).group(1))
            elapsed = float(re.search(r"iteration \(ms\): ([\d.]+)", head).group(1)) / 1e3
            wait = (
                float(
                    re.search(r"batch-generator \.+: \([\d.]+, ([\d.]+)\)", line["body"]).group(1)
                )
                / 1e3
            )
            steps.append((line["t"], number, elapsed, wait))
    assert [n for _, n, _, _ in steps] == list(range(steps[0][1], steps[0][1] + len(steps)))
    assert len(steps) > 250
    mean = lambda values: sum(values) / len(values)
    calm = [s for s in steps if s[0] < 1000]
    slow = [
        s for s in steps if story.inside(s[0] - 8, (story.STRAGGLER[0], story.STRAGGLER[1] - 8))
    ]
    fed = [s for s in steps if story.inside(s[0] - 14, (story.IO_WAIT[0], story.IO_WAIT[1] - 14))]
    assert mean([s[2] for s in slow]) > 1.25 * mean([s[2] for s in calm])
    assert mean([s[3] for s in slow]) < 0.06 and mean([s[3] for s in fed]) > 2.0
    assert mean([s[2] for s in fed]) > 1.25 * mean([s[2] for s in calm])
    otlp = [
        line for line in lines if line["file"].startswith("l5") and line["kind"] == "otlp-metrics"
    ]
    assert len(otlp) == len(steps)
    ranks = [
        attributes(r["resource"]["attributes"])["dl.rank"]
        for r in otlp[0]["body"]["resourceMetrics"]
    ]
    assert ranks == ["0", "1", "2", "3"]


def test_io_wait_on_the_host(lines):
    rows = []
    for line in lines:
        if line["file"].startswith("l3"):
            for metric in line["body"]["resourceMetrics"][0]["scopeMetrics"][0]["metrics"]:
                if metric["name"] == "system.cpu.time":
                    rows.append(
                        (
                            line["t"],
                            {
                                attributes(p["attributes"])["cpu.mode"]: p["asDouble"]
                                for p in metric["sum"]["dataPoints"]
                            },
                        )
                    )
    share = []
    for (t0, a), (t1, b) in zip(rows, rows[1:]):
        grown = {mode: b[mode] - a[mode] for mode in b}
        assert sum(grown.values()) == pytest.approx(96 * (t1 - t0), rel=1e-3)
        share.append((t1, grown["iowait"] / sum(grown.values())))
    bad = [s for t, s in share if story.IO_WAIT[0] < t <= story.IO_WAIT[1]]
    assert min(bad) > 0.25
    assert max(s for t, s in share if not story.IO_WAIT[0] < t <= story.IO_WAIT[1]) < 0.05


def test_world_yaml_names_every_recording():
    text = (WORLD / "world.yaml").read_text()
    for key in (
        "name: demo",
        "duration_s: 1800",
        "epoch_ns: 0",
        "loop: true",
        "sources:",
        "simulator:",
        f"seed: {story.SEED}",
    ):
        assert key in text
    for name in (p.name for p in (WORLD / "recordings").iterdir()):
        if name not in ("ORIGIN", "LICENSE.superbenchmark"):
            assert name in (WORLD / "recordings" / "ORIGIN").read_text()
