# SPDX-License-Identifier: Apache-2.0
"""The plot of the demo world: who runs where, what goes wrong when, and the recordings that give the shapes.

One node, eight GPUs, thirty minutes. Every other module reads the plot here, so that the layers agree.
"""

import gzip
import json
import math
import pathlib
import re

DURATION_S = 1800.0
PAGE_S = 15.0
SEED = 20261124
NODE, CLUSTER = "gpu-node-1", "demo"
MODEL = "Llama-3.1-8B-Instruct"
ENGINE_TARGET = "gpu-node-1:8000"
DCGM_TARGET = "gpu-node-1:9400"

# Episodes in seconds since world start.
KV_PRESSURE = (480.0, 780.0)
STRAGGLER = (1080.0, 1320.0)
IO_WAIT = (1500.0, 1620.0)
SLOW_RANK = 3

# GPU index -> (namespace, pod, container), None = unallocated.
HOLDERS = {
    0: ("chat", "llama-chat-0", "vllm"),
    1: ("chat", "llama-chat-0", "vllm"),
    2: ("training", "gpt-train-0", "trainer"),
    3: ("training", "gpt-train-0", "trainer"),
    4: ("training", "gpt-train-0", "trainer"),
    5: ("training", "gpt-train-0", "trainer"),
    6: ("research", "notebook-0", "notebook"),
    7: None,
}
ENGINE_GPUS, TRAIN_GPUS, NOTEBOOK_GPU, FREE_GPU = (0, 1), (2, 3, 4, 5), 6, 7

RECORDINGS = pathlib.Path(__file__).resolve().parents[2] / "worlds" / "demo" / "recordings"


def page_times():
    """Scrape moments; the last one closes the loop half a second before the next begins."""
    return [i * PAGE_S for i in range(int(DURATION_S / PAGE_S))] + [DURATION_S - 0.5]


def inside(t, episode):
    return episode[0] <= t < episode[1]


def recorded_text(name):
    path = RECORDINGS / name
    raw = path.read_bytes()
    return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode()


def recorded_jsonl(name):
    return [json.loads(line) for line in recorded_text(name).splitlines()]


def recorded_gpus():
    """Label sets of the eight recorded GPUs, by index, without the pod labels."""
    gpus = {}
    for line in recorded_text("dcgm-h100x8.prom").splitlines():
        match = re.match(r"DCGM_FI_DEV_GPU_TEMP\{(.*)\} ", line)
        if match:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', match.group(1)))
            for key in ("container", "namespace", "pod", "pod_uid"):
                labels.pop(key, None)
            gpus[int(labels["gpu"])] = labels
    return gpus


def kubernetes(namespace, pod, container):
    return {
        "k8s.cluster.name": CLUSTER,
        "k8s.node.name": NODE,
        "host.name": NODE,
        "k8s.namespace.name": namespace,
        "k8s.pod.name": pod,
        "k8s.container.name": container,
    }


def wobble(rng, value, part):
    """`value` with a bounded relative noise of `part`; never changes sign."""
    return value * (1.0 + part * (2.0 * rng.random() - 1.0))


def smooth(t, period, phase=0.0):
    """A slow wave in 0..1 that returns to its start at the end of the world where period divides the duration."""
    return 0.5 + 0.5 * math.sin(2 * math.pi * t / period + phase)
