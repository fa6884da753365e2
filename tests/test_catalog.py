# SPDX-License-Identifier: Apache-2.0
"""The catalogs and their generator: complete, up to date, and strict about every mistake."""
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GEN = ROOT / "tools" / "gen"
sys.path.insert(0, str(ROOT / "tools"))
from catalog import read  # noqa: E402

L1 = """gpu.utilization gpu.sm.active gpu.sm.occupancy gpu.tensor.active gpu.vector.active gpu.memory.bandwidth.utilization
gpu.memory.controller.active gpu.memory.used gpu.memory.total gpu.memory.reserved gpu.link.io gpu.pcie.io gpu.pcie.replays
gpu.network.io gpu.temperature gpu.memory.temperature gpu.power gpu.power.limit gpu.energy gpu.clock.core gpu.clock.memory
gpu.throttle.active gpu.throttle.time gpu.ecc.errors gpu.row_remap gpu.fault.event gpu.link.errors gpu.process.memory
gpu.process.utilization gpu.health""".split()
L6 = ["inference." + key for key in """ttft itl tpot e2e_latency queue_wait prefill_time decode_time inference_time
requests_running requests_waiting requests_waiting_capacity requests_swapped batch_tokens_per_step batch_size kv_usage_ratio
kv_blocks_total kv_block_size_tokens kv_capacity_tokens kv_used kv_evictable kv_evictions prefix_cache_queries
prefix_cache_hits prefix_cache_hit_ratio preemptions prompt_tokens cached_prompt_tokens prefill_computed_tokens
generation_tokens request_prompt_tokens request_generation_tokens requests_finished requests_started request_errors
spec_draft_tokens spec_accepted_tokens spec_drafts spec_accept_rate spec_accept_length max_running_requests model_info
engine_awake kv_transfer_time model_flops""".split()]
OTHERS = """comm.collective.duration comm.collective.bytes comm.collective.algbw comm.collective.busbw comm.rank.wait
comm.rank.lateness cuda.kernel.duration system.pressure.some system.pressure.full system.network.tcp.retransmits
system.edac.errors train.step.duration train.loss train.grad_norm train.mfu train.hfu train.flops train.tokens
train.nonfinite train.data_wait.duration train.checkpoint.save.duration train.checkpoint.restore.duration
train.skipped_steps comm.straggler comm.hang host.oom_kill k8s.pod.evicted holding.dispute inference.preemption
train.checkpoint train.restart gen_ai.client.operation.duration gen_ai.client.token.usage""".split()


@pytest.fixture(scope="module")
def house():
    return read.house(ROOT)


def ids(house, room):
    return {s.id for layer in house.layers if layer.room == room for s in layer.signals}


def test_generated_files_are_up_to_date():
    r = subprocess.run([GEN, "--check"], capture_output=True, text=True)
    assert r.returncode == 0, r.stdout + r.stderr


def test_every_promised_signal_is_there(house):
    assert len(L1) == 30 and len(L6) == 44
    assert set(L1) <= ids(house, "l1_gpu")
    assert set(L6) <= ids(house, "l6_infer")
    everything = {s.id for layer in house.layers for s in layer.signals}
    assert set(OTHERS) <= everything
    assert len(house.layers) == 8 and all(layer.signals for layer in house.layers)


def sources(house, room, signal):
    return [(x.adapter, x.name, x.scale, x.form) for layer in house.layers if layer.room == room
            for s in layer.signals if s.id == signal for x in s.sources]


def test_units_that_are_easily_got_wrong(house):
    assert ("dcgm_exporter", "DCGM_FI_DEV_FB_USED", 1048576.0, "value") in sources(house, "l1_gpu", "gpu.memory.used")
    assert ("dcgm_exporter", "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", 0.001, "value") in sources(house, "l1_gpu", "gpu.energy")
    assert ("dcgm_exporter", "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL", 1024000.0, "rate") in sources(house, "l1_gpu", "gpu.link.io")
    assert ("dcgm_exporter", "DCGM_FI_DEV_GPU_UTIL_RATIO", 0.01, "value") in sources(house, "l1_gpu", "gpu.utilization")
    assert ("vllm", "vllm:kv_cache_usage_perc", 1.0, "value") in sources(house, "l6_infer", "inference.kv_usage_ratio")
    assert not any(name == "sglang:cache_hit_rate" for _, name, _, _ in sources(house, "l6_infer", "inference.prefix_cache_hit_ratio"))


def test_prices_are_decimal_text_with_a_source(house):
    rows = {r["id"]: r for r in house.prices["rows"]}
    assert rows["aws-a100-40"]["usd"] == "2.7447" and rows["oci-h100"]["usd"] == "10.00"
    assert rows["oci-h100"]["as_of"] is None and rows["aws-h100"]["as_of"] == "2026-11-09"
    assert not any(r["gpu"] == "any" for r in rows.values())
    aliases = house.prices["aliases"]
    assert aliases["nvidia h100 80gb hbm3"] == ["H100-SXM5-80GB"]
    assert "tesla t4" not in aliases and "nvidia a10g" not in aliases  # no row: no price, never another model's


# ---- a bad catalog is refused, with the file and the id

GOOD = """
layer: l1_gpu
title: T
question: Q
adapters:
  dcgm: {prefixes: [D_], labels: {UUID: hw.id}, blanks: [9223372036854775792]}
signals:
  - id: gpu.power
    meaning: m
    unit: "W"
    kind: gauge
    entity: gpu
    minute: [{table: gpu_minute, column: power_w, fold: mean}]
    sources: {dcgm: [{name: D_P}, {name: D_P2, where: {a: [b, c]}, scale: 0.001}]}
  - id: gpu.energy
    meaning: m
    unit: "J"
    kind: counter
    entity: gpu
    minute: [{table: gpu_minute, column: energy_j, fold: increase}]
    sources: {dcgm: [{name: D_E}]}
"""


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "src" / "model").mkdir(parents=True)
    shutil.copy(ROOT / "src" / "model" / "entities.yaml", tmp_path / "src" / "model")

    def write(catalog, room="l1_gpu"):
        (tmp_path / "src" / room).mkdir(parents=True, exist_ok=True)
        (tmp_path / "src" / room / "catalog.yaml").write_text(catalog)
        return subprocess.run([GEN, "--root", tmp_path], capture_output=True, text=True)

    write.root = tmp_path
    return write


def test_a_good_catalog_is_written_and_check_notices_edits(tree):
    r = tree(GOOD)
    assert r.returncode == 0, r.stderr
    made = tree.root / "src" / "l1_gpu" / "catalog.gen.cc"
    assert '{"dcgm", "D_P2", 0.001, Form::value, "", kRules1, {}}' in made.read_text()
    assert subprocess.run([GEN, "--root", tree.root, "--check"]).returncode == 0
    made.write_text(made.read_text().replace("D_P2", "D_P3"))
    r = subprocess.run([GEN, "--root", tree.root, "--check"], capture_output=True, text=True)
    assert r.returncode == 1 and "src/l1_gpu/catalog.gen.cc is out of date" in r.stdout and "D_P3" in r.stdout


def test_bounds_are_the_signals_own_else_the_units(tree):
    assert tree(GOOD.replace("{name: D_P}", "{name: D_P, blanks: [0]}")).returncode == 0
    made = (tree.root / "src" / "l1_gpu" / "catalog.gen.cc").read_text()
    assert "kMinute1, 0, 100000}" in made and "kMinute2, 0, model::kFinite}" in made
    assert "{9.223372036854776e+18, 0}" in made, "the adapter's blanks and the source's own"
    assert tree(GOOD.replace('unit: "W"\n', 'unit: "W"\n    min: -.inf\n    max: 2\n')).returncode == 0
    assert "-model::kUnbounded, 2}" in (tree.root / "src" / "l1_gpu" / "catalog.gen.cc").read_text()


BAD = [  # (replace, by, what the message must say besides the file)
    ("    unit: \"W\"\n", "    unit: \"W\"\n    colour: red\n", ["gpu.power", "unknown key 'colour'"]),
    ("{name: D_P}", "{name: D_P, factor: 2}", ["gpu.power", "unknown key 'factor'"]),
    ("prefixes: [D_]", "prefix: [D_]", ["adapter dcgm", "unknown key 'prefix'"]),
    ("title: T", "name: T", ["unknown key 'name'"]),
    ("column: power_w, fold: mean", "column: power_w, fold: mean, by: x", ["gpu.power", "unknown key 'by'"]),
    ("kind: counter", "kind: sum", ["gpu.energy", "unknown kind 'sum'"]),
    ("fold: mean", "fold: average", ["gpu.power", "unknown fold 'average'"]),
    ("{name: D_P}", "{name: D_P, form: delta}", ["gpu.power", "unknown form 'delta'"]),
    ('unit: "W"', 'unit: "watt"', ["gpu.power", "unknown unit 'watt'"]),
    ("entity: gpu\n    minute: [{table: gpu_minute, column: energy_j", "entity: gpus\n    minute: [{table: gpu_minute, column: energy_j",
     ["gpu.energy", "unknown entity type 'gpus'"]),
    ("id: gpu.energy", "id: gpu.power", ["gpu.power", "the id stands twice"]),
    ("column: energy_j, fold: increase", "column: power_w, fold: increase", ["gpu.energy", "must end in _j"]),
    ('unit: "J"\n    kind: counter\n    entity: gpu\n    minute: [{table: gpu_minute, column: energy_j, fold: increase}]',
     'unit: "W"\n    kind: gauge\n    entity: gpu\n    minute: [{table: gpu_minute, column: power_w, fold: max}]',
     ["gpu.energy", "gpu_minute.power_w already means mean of gpu.power"]),
    ("minute: [{table: gpu_minute, column: power_w, fold: mean}]",
     "minute: [{table: gpu_minute, column: power_w, fold: mean}, {table: gpu_minute, column: power_w, fold: max}]",
     ["gpu.power", "already means mean"]),
    ("{name: D_P2, where: {a: [b, c]}, scale: 0.001}", "{name: D_P, scale: 2}", ["gpu.power", "lists D_P twice"]),
    ("sources: {dcgm: [{name: D_E}]}", "sources: {dcmg: [{name: D_E}]}", ["gpu.energy", "unknown adapter 'dcmg'"]),
    ("table: gpu_minute, column: power_w", "table: cpu_minute, column: power_w", ["gpu.power", "unknown minute table 'cpu_minute'"]),
    ("table: gpu_minute, column: power_w", "table: host_minute, column: power_w", ["gpu.power", "host_minute is about node"]),
    ("fold: increase", "fold: mean", ["gpu.energy", "fold mean of a counter"]),
    ("fold: mean", "fold: seconds_over", ["gpu.power", "threshold"]),
    ("{name: D_P}", "{name: D_P, form: rate}", ["gpu.power", "form rate feeds a counter"]),
    ("{name: D_P}", "{name: D_P, form: label}", ["gpu.power", "value_label"]),
    ("{name: D_P}", "{name: D_P, bits: {idle: 64}}", ["gpu.power", "bit 64"]),
    ("{name: D_P}", "{name: D_P, scale: x}", ["gpu.power", "scale must be a number"]),
    ("{name: D_P}", "{name: D_P, add: {on: yes}}", ["gpu.power", "must be text"]),
    ("    meaning: m\n", "", ["gpu.power", "meaning must be text"]),
    ("kind: gauge", "kind: event", ["gpu.power", "event has no metric sources"]),
    ("    unit: \"W\"\n", "    unit: \"W\"\n    unit: \"J\"\n", ["'unit' stands twice"]),
    ("    unit: \"W\"\n", "    unit: \"W\"\n    ratio: true\n", ["gpu.power", "only of unit 1"]),
    ("    unit: \"W\"\n", "    unit: \"W\"\n    min: 1.0e+6\n", ["gpu.power", "min 1000000.0 is not below max 100000.0"]),
    ("    unit: \"W\"\n", "    unit: \"W\"\n    max: hot\n", ["gpu.power", "max must be a number"]),
    ("layer: l1_gpu", "layer: l2_comm", ["the room is l1_gpu"]),
    ("signals:", "signals: [", ["catalog.yaml:"]),
]


@pytest.mark.parametrize("old,new,said", BAD, ids=[" ".join(b[2])[:50] for b in BAD])
def test_a_bad_catalog_is_refused(tree, old, new, said):
    assert old in GOOD
    r = tree(GOOD.replace(old, new, 1))
    assert r.returncode == 1, r.stdout
    assert r.stderr.startswith("gen: src/l1_gpu/catalog.yaml"), r.stderr
    for words in said:
        assert words in r.stderr
    assert not (tree.root / "src" / "l1_gpu" / "catalog.gen.cc").exists()


def test_an_id_of_another_layer_is_refused(tree):
    assert tree(GOOD).returncode == 0
    r = tree(GOOD.replace("layer: l1_gpu", "layer: l6_infer"), "l6_infer")
    assert r.returncode == 1 and "src/l6_infer/catalog.yaml: signal gpu.power: the id stands twice" in r.stderr


def test_help_shows_an_example():
    r = subprocess.run([GEN, "--help"], capture_output=True, text=True)
    assert r.returncode == 0 and "Example:" in r.stdout
