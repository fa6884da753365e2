# SPDX-License-Identifier: Apache-2.0
"""The command line: every command of the interface, its help, exit codes, output on the right stream; `read` over golden
pages against facts counted here; the configuration's mistakes."""

import base64
import gzip
import json
import re
import tarfile

import pytest

import otlp
from program import ROOT, run

GOLDEN = ROOT / "tests" / "golden"
COMMANDS = ["up", "server", "agent", "read", "replay", "status", "top", "cost", "why", "core", "sql", "doctor", "catalog", "version"]
LAYERS = ["l1_gpu", "l2_comm", "l3_host", "l4_sched", "l5_train", "l6_infer", "l7_genai", "l8_cost"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command):
    done = run(command, "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert "Example" in done.stdout and f"strata {command}" in done.stdout


def test_help_lists_the_commands():
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^\s+{command}\b", done.stdout, re.M), command


@pytest.mark.parametrize(
    "words",
    [[], ["nosuch"], ["status", "--nosuch"], ["core"], ["sql"], ["read"], ["replay"], ["replay", "x", "--speed", "-1"], ["sql", "SELECT 1", "--format", "xml"]],
)
def test_wrong_usage_is_2(words):
    done = run(*words)
    assert done.returncode == 2 and done.stdout == "" and done.stderr


def test_version():
    text, as_json = run("version"), run("version", "--json")
    assert text.returncode == as_json.returncode == 0
    assert json.loads(as_json.stdout)["version"] in text.stdout


@pytest.fixture(scope="module")
def seen_node(strata):
    """A machine that the server knows of, for `core`."""
    request = otlp.one("system.memory.utilization", 0.5, resource={"host.name": "seen"})
    assert otlp.post(strata, request).status_code == 200
    strata.sql("SELECT 1")  # a query that waits
    return "node:seen"


@pytest.mark.parametrize(
    "words",
    [["status"], ["cost"], ["cost", "--by", "namespace,model", "--from", "now-2h", "--to", "now"], ["why"], ["doctor"], ["catalog"], ["core", "--entity", "node:seen"], ["sql", "SELECT 1 AS x"]],
)
def test_json_parses(strata, seen_node, words):
    done = strata.run(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout), dict) and done.stderr == ""


@pytest.mark.parametrize("words", [["status"], ["cost"], ["why"], ["doctor"], ["catalog"], ["top", "--once"], ["top"], ["core", "--entity", "node:seen"]])
def test_text_for_people_has_no_colour_in_a_pipe(strata, seen_node, words):
    done = strata.run(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() and "\033" not in done.stdout


def test_an_unknown_entity_ends_with_1_and_says_so(strata):
    for command in ("core", "why"):
        done = strata.run(command, "--entity", "node:nosuch")
        assert done.returncode == 1 and done.stdout == "" and "node:nosuch" in done.stderr


def test_status_in_text_names_all_layers(strata):
    out = strata.run("status").stdout
    for layer in LAYERS:
        assert layer in out


def test_sql_formats(strata):
    query = "SELECT 1 AS a, 'x,y' AS b UNION ALL SELECT 2, 'z'"

    def out(name):
        done = strata.run("sql", query, "--format", name)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert sorted((int(r["a"]), r["b"]) for r in json.loads(out("json"))["data"]) == [(1, "x,y"), (2, "z")]
    assert sorted(json.loads(line)["b"] for line in out("jsonl").splitlines()) == ["x,y", "z"]
    assert sorted(out("csv").splitlines()) == ['"a","b"', '1,"x,y"', '2,"z"']
    assert sorted(out("tsv").splitlines()) == ["1\tx,y", "2\tz", "a\tb"]
    assert "x,y" in out("table")


def test_failures_are_1_and_on_stderr(strata):
    for words in (["sql", "SELECT nosuch FROM measurements"], ["core", "--entity", "nonsense"], ["cost", "--by", "nosuch"], ["cost", "--from", "yesterday-ish"]):
        done = strata.run(*words)
        assert done.returncode in (1, 2), words
        assert done.stdout == "" and done.stderr.startswith("strata: "), words
    done = strata.run("cost", "--by", "nosuch")
    assert "namespace" in done.stderr, "the answer names what there is"


def test_no_server():
    done = run("status", "--url", "http://127.0.0.1:1")
    assert done.returncode == 1 and done.stdout == ""
    assert "http://127.0.0.1:1" in done.stderr and "strata up" in done.stderr


def test_catalog_has_every_layer_and_unit():
    layers = json.loads(run("catalog", "--json").stdout)["layers"]
    assert [x["layer"] for x in layers] == LAYERS
    signals = {s["signal"]: s for x in layers for s in x["signals"]}
    assert len([s for s in signals if s.startswith("gpu.")]) >= 29
    assert len([s for s in signals if s.startswith("inference.")]) >= 44
    for name in ("inference.ttft", "inference.kv_usage_ratio", "comm.collective.duration", "system.pressure.some", "train.step.duration",
                 "train.mfu", "gpu.fault.event", "comm.straggler", "host.oom_kill", "holding.dispute", "inference.preemption"):
        assert name in signals, name
    for s in signals.values():
        assert s["meaning"] and s["kind"] in ("gauge", "counter", "histogram", "state", "event"), s


# ---- read


def read(*words, stdin=None):
    done = run("read", *words, stdin=stdin)
    last = re.search(r"^(\d+) samples, (\d+) events, (\d+) refused", done.stderr, re.M)
    assert last, done.stderr
    return done, tuple(map(int, last.groups()))


def text_of(path):
    return gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()


def sample_lines(text):
    """Lines that follow the format; some recorded pages have prose around them."""
    number = r"([+-]?[\d.]+([eE][+-]?\d+)?|NaN|[+-]?Inf)"
    line = re.compile(r"^[a-zA-Z_:][\w:]*\s*(\{.*\})?\s+" + number + r"(\s+-?\d+)?\s*$")
    return sum(1 for x in text.splitlines() if line.match(x))


PAGES = sorted([*GOLDEN.glob("exposition/*.prom"), *GOLDEN.glob("exposition/*.prom.gz")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_read_counts_every_sample_line(page):
    done, (samples, _, refused) = read("prom", page, "--json")
    assert samples == sample_lines(text_of(page)) and samples > 0
    assert done.returncode == (3 if refused else 0)
    for line in done.stdout.splitlines():
        m = json.loads(line)
        assert {"layer", "signal", "unit", "kind", "time", "entity", "attributes", "source"} <= m.keys()
        assert ("value" in m) != ("histogram" in m)


def test_read_names_what_it_knows():
    lines = [json.loads(x) for x in read("prom", GOLDEN / "exposition" / "aicr-h100x8-with-pod.prom", "--json")[0].stdout.splitlines()]
    gpu = [m for m in lines if m["layer"] == "l1_gpu"]
    assert len({m["entity"]["id"] for m in gpu if m["entity"]}) == 8
    lines = [json.loads(x) for x in read(GOLDEN / "exposition" / "vllm-v1-qwen2.5-0.5b-idle.prom", "--json")[0].stdout.splitlines()]
    assert any(m["layer"] == "l6_infer" and m["signal"] == "inference.ttft" and "histogram" in m for m in lines)


def test_read_of_standard_input_and_time():
    done, (samples, _, _) = read("prom", "-", "--json", "--time", "2026-01-02T03:04:05Z", stdin="a_b 1\na_c{x=\"y\"} 2\n")
    assert samples == 2 and done.returncode == 0
    assert all(json.loads(x)["time"].startswith("2026-01-02T03:04:05") for x in done.stdout.splitlines())
    done, _ = read("-", "--json", stdin=json.dumps(otlp.one("from.stdin", 3.5)))
    m = json.loads(done.stdout.splitlines()[0])
    assert (m["signal"], m["value"]) == ("from.stdin", 3.5)


def test_read_refusals_are_3():
    done, (samples, _, refused) = read("prom", "-", "--json", stdin="good 1\nbad one two three\ngood2 NaN\n")
    assert done.returncode == 3 and samples >= 1 and refused >= 1
    assert re.search(r"^\s+\d+ (malformed|not_a_number)$", done.stderr, re.M)


def test_read_refuses_what_no_device_can_tell():
    page = "\n".join(f'{name}{{UUID="GPU-1"}} {value}' for name, value in (
        ("DCGM_FI_DEV_GPU_UTIL", 1000), ("DCGM_FI_DEV_GPU_TEMP", -300), ("DCGM_FI_DEV_GPU_TEMP", 1e99),
        ("DCGM_FI_DEV_POWER_USAGE", -5), ("DCGM_FI_DEV_POWER_USAGE", 1e8), ("DCGM_FI_DEV_FB_USED", -5),
        ("DCGM_FI_DEV_FB_USED", 1e300), ("DCGM_FI_DEV_SM_CLOCK", "+Inf"), ("DCGM_FI_DEV_MEMORY_TEMP", 0),
        ("DCGM_FI_DEV_GPU_UTIL", 37)))
    done, (_, _, refused) = read("prom", "-", "--json", stdin=page + "\n")
    assert refused == 8 and done.returncode == 3
    assert "  8 implausible\n  first: implausible: gpu.utilization = 10\n" in done.stderr
    kept = [json.loads(x) for x in done.stdout.splitlines()]
    assert [(m["signal"], m["value"]) for m in kept] == [("gpu.utilization", 0.37)], "0 Cel of a card without the sensor is absent"


def test_read_shows_percent_of_ratios_only():
    page = 'DCGM_FI_DEV_GPU_UTIL{UUID="g"} 37\nDCGM_FI_DEV_XID_ERRORS{UUID="g"} 79\nkube_pod_status_phase{namespace="a",pod="b",phase="Running"} 1\n'
    rows = {x.split()[1]: " ".join(x.split()[2:]) for x in read("prom", "-", stdin=page)[0].stdout.splitlines()}
    assert rows["gpu.utilization"].startswith("37.0 % ")
    assert rows["gpu.fault.last_code"].startswith("79 ") and "%" not in rows["gpu.fault.last_code"]
    assert rows["k8s.pod.phase"].startswith("1 ") and "%" not in rows["k8s.pod.phase"]


def test_read_guesses_no_page_from_one_line(tmp_path):
    for text in ("rchar: 750\nwchar: 3\n", "MemTotal 1\nthis is\nno page\n", "word 1 and more\nword\n"):
        (tmp_path / "x").write_text(text)
        done = run("read", tmp_path / "x")
        assert done.returncode == 1 and "no known kind" in done.stderr, text
    done, (samples, _, _) = read("-", stdin="a_b 1\n# note\na_c{x=\"y\"} +Inf 17\na_d 2e3\n")
    assert samples == 3


def test_read_of_an_archived_host(tmp_path):
    root = ROOT / "tests" / "worlds" / "procfs_tree"
    if not (root / "proc").exists():
        pytest.skip("no recorded host")
    with tarfile.open(tmp_path / "host.tar.gz", "w:gz") as archive:
        archive.add(root, "a/b")
    (_, of_folder), (done, of_archive) = read(root, "--json"), read(tmp_path / "host.tar.gz", "--json")
    assert of_archive == of_folder and of_archive[0] > 50
    assert any(json.loads(x).get("layer") == "l3_host" for x in done.stdout.splitlines())


def test_read_of_an_unknown_kind_is_2(tmp_path):
    (tmp_path / "x").write_text("a_b 1\n")
    done = run("read", "promm", tmp_path / "x")
    assert done.returncode == 2 and done.stdout == ""
    assert 'unknown kind "promm"; kinds are prom, otlp' in done.stderr


def test_read_failures_are_1():
    assert run("read", "/nosuch/file").returncode == 1
    done = run("read", "proc", "/nosuch/folder")
    assert done.returncode == 1 and done.stderr.count("/nosuch/folder") == 1
    done = run("read", "-", stdin="what is this\x00\x01")
    assert done.returncode == 1 and "kind" in done.stderr


def test_read_spans():
    done, _ = read(GOLDEN / "l7" / "client-default.jsonl", "--json")
    spans = [json.loads(x) for x in done.stdout.splitlines()]
    spans = [s for s in spans if "span" in s]
    sent = [json.loads(x) for x in (GOLDEN / "l7" / "client-default.jsonl").read_text().splitlines()]
    groups = [g for r in sent for g in r["body"].get("resourceSpans", [])]
    ids = {base64.b64decode(s["spanId"]).hex() for g in groups for sc in g["scopeSpans"] for s in sc["spans"]}
    assert len(ids) > 0 and {s["span_id"] for s in spans} == ids
    assert any(s["layer"] == "l7_genai" and s["call"]["model"] for s in spans)


def test_read_collectives():
    path = GOLDEN / "l2" / "inspector-readme-samples.jsonl"
    done, _ = read("nccl-inspector", path, "--json")
    lines = [json.loads(x) for x in done.stdout.splitlines()]
    assert sum("collective" in x for x in lines) == sum('"coll_perf"' in x for x in path.read_text().splitlines())


def test_read_a_training_log():
    done, _ = read("train-log", GOLDEN / "l5" / "hf-trainer.txt", "--json")
    report = json.loads(done.stdout.splitlines()[-1])
    losses = [float(x) for x in re.findall(r"^\{'loss': '([\d.]+)'", (GOLDEN / "l5" / "hf-trainer.txt").read_text(), re.M)]
    assert report["report"] == "training" and losses
    assert report["first_loss"] == losses[0] and report["last_loss"] == losses[-1]


def test_read_a_stream():
    path = GOLDEN / "l7" / "streams" / "openai_chat_stream_usage.response.sse"
    usage = [json.loads(x[6:])["usage"] for x in path.read_text().splitlines() if x.startswith("data: {") and json.loads(x[6:]).get("usage")][-1]
    report = json.loads(read("sse", path, "--json")[0].stdout.splitlines()[-1])
    assert report["report"] == "stream" and report["complete"] is True
    assert (report["input_tokens"], report["output_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])


def test_read_a_host():
    root = ROOT / "tests" / "worlds" / "procfs_tree"
    if not (root / "proc").exists():
        pytest.skip("no recorded host")
    done, (samples, _, _) = read("proc", root, "--json")
    assert samples > 50 and done.returncode in (0, 3)
    assert any(json.loads(x).get("layer") == "l3_host" for x in done.stdout.splitlines())


@pytest.mark.parametrize("kind", ["mllog", "prices"])
def test_kinds_of_later_say_so(kind):
    done = run("read", kind, ROOT / "Makefile")
    assert done.returncode == 1 and "not read yet" in done.stderr


def test_replay_of_a_world(start_strata):
    strata = start_strata()
    done = strata.run("replay", ROOT / "worlds" / "demo", "--to", strata.otlp, "--speed", "100000", timeout=120)
    assert done.returncode == 0, done.stderr
    sent = int(re.search(r"(\d+) records sent", done.stderr).group(1))
    assert sent > 1000 and done.stdout == ""
    assert strata.rows("SELECT count() AS n FROM measurements WHERE origin = 'demo'", 1)
    assert strata.one("SELECT count() AS n FROM measurements WHERE origin = 'live'") == 0
    assert run("replay", "/nosuch").returncode == 1


# ---- configuration

BAD = [
    ("clutser: x\n", 1, "clutser", "cluster"),
    ("cluster: a\nstore: {pth: x}\n", 2, "store.pth", "path"),
    ("ports:\n  api: 70000\n", 2, "ports.api", "65535"),
    ("ports: {api: web}\n", 1, "ports.api", "number"),
    ("scrape:\n  - {job: a, targets: ['nohost']}\n", 2, "scrape[0].targets[0]", "host:port"),
    ("scrape:\n  - {job: a, targets: ['h:1'], interval: 5 parsecs}\n", 2, "scrape[0].interval", "parsecs"),
    ("scrape: [{targets: ['h:1']}]\n", 1, "scrape[0]", "job"),
    ("retention: {samples: soon}\n", 1, "retention.samples", "soon"),
    ("store: {memory: 12 cows}\n", 1, "store.memory", "GiB"),
    ("store: {memory: 1MiB}\n", 1, "store.memory", "256MiB"),
    ("slo: [{model: m, objective: 1.5}]\n", 1, "slo[0].objective", "1"),
    ("prices: {overrides: [{gpu: H100, usd_per_hour: cheap}]}\n", 1, "usd_per_hour", "cheap"),
    ("content: keeep\n", 1, "content", "keep"),
    ("tls: {cert: a}\n", 1, "tls", "key"),
    ("cluster: a\ncluster: b\n", 2, "cluster", "twice"),
    ("cluster: [1\n", 2, "", ""),
    ("- 1\n", 1, "", "keys"),
]


@pytest.mark.parametrize("text,line,key,hint", BAD, ids=[b[0].strip()[:30] for b in BAD])
def test_bad_configuration_stops_the_start(tmp_path, text, line, key, hint):
    file = tmp_path / "strata.yaml"
    file.write_text(text)
    for words in (["server"], ["server", "--check"], ["up"]):
        done = run(*words, "--config", file, "--data", tmp_path / "data", timeout=30)
        assert done.returncode == 1 and done.stdout == ""
        assert f"strata.yaml:{line}" in done.stderr, done.stderr
        assert key in done.stderr and hint in done.stderr, done.stderr
    assert not (tmp_path / "data").exists()


def test_check_of_a_good_configuration(tmp_path):
    block = re.search(r"```yaml\n(.*?)```", (ROOT / "docs" / "reference" / "interface.md").read_text(), re.S).group(1)
    (tmp_path / "strata.yaml").write_text(block)
    done = run("server", "--check", "--config", tmp_path / "strata.yaml")
    assert done.returncode == 0, done.stderr
    assert run("server", "--check").returncode == 0
    assert run("server", "--check", "--config", tmp_path / "nosuch.yaml").returncode == 1
