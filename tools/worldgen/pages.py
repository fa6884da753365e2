# SPDX-License-Identifier: Apache-2.0
"""Prometheus pages of the engine and of dcgm-exporter, in the shape of the recorded ones, with the simulator's values."""

import random
import re

from worldgen import story
from worldgen.engine import BLOCK_TOKENS, HISTOGRAMS, KV_BLOCKS

# Recorded families that the page keeps; process_start_time_seconds and *_created would name the recording's day.
SKIPPED = re.compile(
    r"(python_|http_|process_|.*_created$|vllm:external_|vllm:mm_|vllm:estimated_|vllm:admission_|"
    r"vllm:request_params_|vllm:request_max_num_|vllm:prompt_tokens_cached_by_source)"
)
CACHE_CONFIG = {
    "block_size": str(BLOCK_TOKENS),
    "num_gpu_blocks": str(KV_BLOCKS),
    "gpu_memory_utilization": "0.22",
    "num_gpu_blocks_override": "None",
    "kv_cache_size_tokens": str(BLOCK_TOKENS * KV_BLOCKS),
    "effective_attention_block_size": str(BLOCK_TOKENS),
    "kv_cache_memory_bytes": "1207959552",
    "kv_cache_max_concurrency": "4.5",
    "user_specified_block_size": "False",
}


def bounds():
    """Histogram bounds of the recorded page, by family."""
    out = {}
    for line in story.recorded_text("vllm-0.32.prom.gz").splitlines():
        match = re.match(r'(vllm:\w+)_bucket\{.*le="([^"]+)"', line)
        if match and match.group(2) != "+Inf":
            out.setdefault(match.group(1), []).append(float(match.group(2)))
    return out


def number(value):
    return f"{float(value)!r}"


class EnginePage:
    """Keeps the recorded order of families, labels and buckets; a sample that the simulator does not know is a defect."""

    def __init__(self):
        self.lines = []
        for line in story.recorded_text("vllm-0.32.prom.gz").splitlines():
            if line.startswith("# HELP"):
                continue
            name = line.split()[2] if line.startswith("#") else re.match(r"[\w:]+", line).group(0)
            if SKIPPED.match(name):
                continue
            self.lines.append(line.replace('model_name="tiny"', f'model_name="{story.MODEL}"'))

    def _value(self, name, labels, snap):
        counters = snap["counters"]
        family = re.sub(r"_(bucket|sum|count)$", "", name)
        if family in HISTOGRAMS:
            counts, total = snap["histograms"][family]
            if name.endswith("_sum"):
                return total
            if name.endswith("_count") or labels["le"] == "+Inf":
                return sum(counts)
            upto = [i for i, b in enumerate(self.bounds[family]) if b <= float(labels["le"])]
            return sum(counts[: len(upto)])
        if name in ("vllm:prompt_tokens_by_source_total",):
            return {
                "local_compute": counters["prompt"] - counters["cached"],
                "local_cache_hit": counters["cached"],
            }.get(labels["source"], 0)
        if name == "vllm:request_success_total":
            return counters.get(labels["finished_reason"], 0)
        if name == "vllm:num_requests_waiting_by_reason":
            return snap["waiting"] if labels["reason"] == "capacity" else 0
        if name == "vllm:engine_sleep_state":
            return 1 if labels["sleep_state"] == "awake" else 0
        return {
            "vllm:num_requests_running": snap["running"],
            "vllm:num_requests_waiting": snap["waiting"],
            "vllm:kv_cache_usage_perc": round(snap["kv"], 6),
            "vllm:prefix_cache_queries_total": counters["prompt"],
            "vllm:prefix_cache_hits_total": counters["cached"],
            "vllm:prompt_tokens_total": counters["prompt"],
            "vllm:prompt_tokens_cached_total": counters["cached"],
            "vllm:num_preemptions_total": counters["preemptions"],
            "vllm:generation_tokens_total": counters["generation"],
            "vllm:cache_config_info": 1,
        }[name]

    def render(self, snap):
        self.bounds = self.__dict__.get("bounds") or bounds()
        out = []
        for line in self.lines:
            if line.startswith("#"):
                out.append(line)
                continue
            match = re.match(r"([\w:]+)(\{.*\})? ", line)
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match.group(2) or ""))
            text = match.group(2)
            if match.group(1) == "vllm:cache_config_info":
                labels.update(CACHE_CONFIG)
                text = "{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}"
            value = self._value(match.group(1), labels, snap)
            out.append(f"{match.group(1)}{text} {number(round(value, 6))}")
        return "\n".join(out) + "\n"


# name, type, digits after the point; the exporter's own names and units (MiB, MHz, mJ, percent).
DCGM = (
    ("DCGM_FI_DEV_SM_CLOCK", "gauge", 0),
    ("DCGM_FI_DEV_MEM_CLOCK", "gauge", 0),
    ("DCGM_FI_DEV_MEMORY_TEMP", "gauge", 0),
    ("DCGM_FI_DEV_GPU_TEMP", "gauge", 0),
    ("DCGM_FI_DEV_POWER_USAGE", "gauge", 6),
    ("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "counter", 0),
    ("DCGM_FI_DEV_PCIE_REPLAY_COUNTER", "counter", 0),
    ("DCGM_FI_DEV_GPU_UTIL", "gauge", 0),
    ("DCGM_FI_DEV_MEM_COPY_UTIL", "gauge", 0),
    ("DCGM_FI_DEV_XID_ERRORS", "gauge", 0),
    ("DCGM_FI_DEV_FB_FREE", "gauge", 0),
    ("DCGM_FI_DEV_FB_USED", "gauge", 0),
    ("DCGM_FI_DEV_FB_RESERVED", "gauge", 0),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "gauge", 6),
    ("DCGM_FI_PROF_SM_ACTIVE", "gauge", 6),
    ("DCGM_FI_PROF_SM_OCCUPANCY", "gauge", 6),
    ("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "gauge", 6),
    ("DCGM_FI_PROF_DRAM_ACTIVE", "gauge", 6),
    ("DCGM_FI_PROF_PCIE_TX_BYTES", "gauge", 0),
    ("DCGM_FI_PROF_PCIE_RX_BYTES", "gauge", 0),
    ("DCGM_FI_PROF_NVLINK_TX_BYTES", "gauge", 0),
    ("DCGM_FI_PROF_NVLINK_RX_BYTES", "gauge", 0),
)
FB_TOTAL_MIB, FB_RESERVED_MIB = 81559, 501


class GpuPages:
    """Board state of the eight GPUs at each page; energy is the integral of the power that the page shows."""

    def __init__(self, snapshots, training):
        self.rng = random.Random(story.SEED + 1)
        self.snapshots, self.training = snapshots, training
        self.gpus = story.recorded_gpus()
        self.energy_mj = dict.fromkeys(self.gpus, 0.0)
        self.heat = dict.fromkeys(self.gpus, 30.0)
        self.before = None

    def _engine(self, snap):
        prior = self.before or {"busy_s": 0.0, "prefill_s": 0.0, "t": 0.0}
        span = max(0.001, snap["t"] - prior["t"])
        busy = min(1.0, (snap["busy_s"] - prior["busy_s"]) / span)
        prefill = min(busy, (snap["prefill_s"] - prior["prefill_s"]) / span)
        decode = busy - prefill
        return {
            "gr": busy,
            "sm": 0.42 * decode + 0.86 * prefill,
            "occupancy": 0.15 * decode + 0.31 * prefill,
            "tensor": 0.035 * decode + 0.46 * prefill,
            "dram": 0.57 * decode + 0.33 * prefill,
            "power": 118.0 + 232.0 * decode + 470.0 * prefill,
            "fb": 17838,
            "nvlink": 2.1e9 * busy,
            "pcie": 4.0e7 * busy,
            "clock": 1980 if busy > 0.02 else 345,
        }

    def _trainer(self, rank, t):
        load = self.training.load(
            rank, t
        )  # shares of the step: compute, waiting in collectives, moving bytes, data wait
        work, wait, move = load["compute"], load["wait"], load["move"]
        return {
            "gr": work + wait + move,
            "sm": 0.90 * work + 0.17 * (wait + move),
            "occupancy": 0.34 * work + 0.03 * wait,
            "tensor": 0.58 * work,
            "dram": 0.43 * work + 0.10 * move,
            "power": 122.0 + 555.0 * work + 95.0 * (wait + move),
            "fb": 71422 + 37 * rank,
            "nvlink": load["bytes_per_s"],
            "pcie": 1.5e8 * work,
            "clock": 1755,
        }

    def _idle(self, index):
        if index == story.NOTEBOOK_GPU:
            return {
                "gr": 0,
                "sm": 0,
                "occupancy": 0,
                "tensor": 0,
                "dram": 0,
                "power": 116.0,
                "fb": 23274,
                "nvlink": 0,
                "pcie": 2.0e5,
                "clock": 1980,
            }
        return {
            "gr": 0,
            "sm": 0,
            "occupancy": 0,
            "tensor": 0,
            "dram": 0,
            "power": 67.0,
            "fb": 4,
            "nvlink": 0,
            "pcie": 1.0e5,
            "clock": 345,
        }

    def _values(self, index, snap):
        t, rng = snap["t"], self.rng
        if index in story.ENGINE_GPUS:
            state = self._engine(snap)
        elif index in story.TRAIN_GPUS:
            state = self._trainer(story.TRAIN_GPUS.index(index), t)
        else:
            state = self._idle(index)
        power = story.wobble(rng, state["power"], 0.012)
        self.energy_mj[index] += power * 1000.0 * (t - (self.before["t"] if self.before else 0.0))
        self.heat[index] += 0.25 * (26.0 + 0.066 * power - self.heat[index])
        ratio = lambda key: min(1.0, story.wobble(rng, state[key], 0.02))
        gr = ratio("gr")
        return {
            "SM_CLOCK": state["clock"],
            "MEM_CLOCK": 2619,
            "MEMORY_TEMP": self.heat[index] + 9,
            "GPU_TEMP": self.heat[index],
            "POWER_USAGE": power,
            "TOTAL_ENERGY_CONSUMPTION": self.energy_mj[index],
            "PCIE_REPLAY_COUNTER": 0,
            "GPU_UTIL": round(100 * gr),
            "MEM_COPY_UTIL": round(90 * state["dram"]),
            "XID_ERRORS": 0,
            "FB_FREE": FB_TOTAL_MIB - FB_RESERVED_MIB - state["fb"],
            "FB_USED": state["fb"],
            "FB_RESERVED": FB_RESERVED_MIB,
            "GR_ENGINE_ACTIVE": gr,
            "SM_ACTIVE": ratio("sm"),
            "SM_OCCUPANCY": ratio("occupancy"),
            "PIPE_TENSOR_ACTIVE": ratio("tensor"),
            "DRAM_ACTIVE": ratio("dram"),
            "PCIE_TX_BYTES": story.wobble(rng, state["pcie"], 0.1) * 0.4,
            "PCIE_RX_BYTES": story.wobble(rng, state["pcie"], 0.1),
            "NVLINK_TX_BYTES": story.wobble(rng, state["nvlink"], 0.03),
            "NVLINK_RX_BYTES": story.wobble(rng, state["nvlink"], 0.03),
        }

    def render(self, snap):
        labels = {}
        for index, recorded in self.gpus.items():
            pairs = dict(recorded)
            if story.HOLDERS[index]:
                namespace, pod, container = story.HOLDERS[index]
                pairs.update(container=container, namespace=namespace, pod=pod, pod_uid="")
            labels[index] = ",".join(f'{k}="{v}"' for k, v in pairs.items())
        values = {index: self._values(index, snap) for index in self.gpus}
        out = []
        for name, kind, digits in DCGM:
            out.append(f"# TYPE {name} {kind}")
            short = re.sub(r"DCGM_FI_(DEV|PROF)_", "", name)
            for index in self.gpus:
                out.append(f"{name}{{{labels[index]}}} {values[index][short]:.{digits}f}")
        self.before = snap
        return "\n".join(out) + "\n"
