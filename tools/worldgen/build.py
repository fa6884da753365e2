# SPDX-License-Identifier: Apache-2.0
"""Writes worlds/demo: one gzip file of JSON lines per layer, the same bytes on every run."""

import gzip
import json
import pathlib

from worldgen import calls, engine, host, otlp, pages, story, training

WORLD_YAML = f"""\
# SPDX-License-Identifier: Apache-2.0
# A recorded world: see ../README.md for the format. Written by `tools/world build demo`; do not edit.
name: demo
title: One H100 node, thirty minutes, three things go wrong
duration_s: {int(story.DURATION_S)}
epoch_ns: 0
loop: true
sources:
  - what: GPU identities, sample lines and pod labels of dcgm-exporter
    origin: NVIDIA/aicr @ bc05c6be7859 docs/conformance/cncf/evidence/accelerator-metrics.md
    licence: Apache-2.0
    change: values, and the families that the recording does not have, come from the simulator
  - what: families, labels and histogram bounds of a real vLLM 0.32 page, and its llm_request span
    origin: recorded for this project on 2026-11-24
    licence: ours, no restriction
    change: model name, cache configuration and values come from the simulator; HELP lines left out
  - what: span attributes of the OpenAI client's official instrumentation
    origin: recorded for this project on 2026-11-24
    licence: ours, no restriction
    change: ids, times, tokens and tenants come from the simulator
  - what: NCCL Inspector records
    origin: NVIDIA/nccl @ 5067397c2676 plugins/profiler/inspector/README.md
    licence: Apache-2.0
    change: keys as recorded; communicator, ranks, times and sizes come from the simulator
  - what: Megatron iteration lines
    origin: microsoft/superbenchmark @ 700d6501f110 tests/data/megatron_deepspeed.log
    licence: MIT
    change: current Megatron keys; numbers come from the simulator
simulator:
  seed: {story.SEED}
  what: >
    A continuous-batching engine with a small KV pool on GPUs 0-1, a four-rank training job on 2-5, an idle notebook
    on 6, GPU 7 free. Minutes 8-13 KV pressure with queueing, preemptions and hang-ups; minutes 18-22 rank 3 slow;
    minutes 25-27 disks slow, training waits for data.
"""


class Layer:
    def __init__(self, name):
        self.name, self.lines = name, []

    def add(self, t, kind, body, resource=None, target=None):
        line = {"t": round(t, 6), "kind": kind}
        if target:
            line["target"] = target
        if resource:
            line["resource"] = resource
        line["body"] = body
        self.lines.append(
            (line["t"], len(self.lines), json.dumps(line, separators=(",", ":"), ensure_ascii=True))
        )

    def write(self, folder):
        text = "".join(line + "\n" for _, _, line in sorted(self.lines))
        path = folder / f"{self.name}.jsonl.gz"
        with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as out:
            out.write(text.encode())
        return path


def _engine_log(layer, simulated):
    """The engine's own statistics line every ten seconds while it works, as an OTLP log record."""
    resource = {
        "service.name": "vllm",
        "service.instance.id": story.ENGINE_TARGET,
        **story.kubernetes(*story.HOLDERS[0]),
    }
    last = -10.0
    for t, running, waiting, kv in simulated.seen:
        if t - last < 10.0 or not running + waiting:
            continue
        last = t
        text = f"Engine 000: Running: {running} reqs, Waiting: {waiting} reqs, GPU KV cache usage: {100 * kv:.1f}%"
        record = {
            "timeUnixNano": otlp.nanos(t),
            "severityNumber": 9,
            "severityText": "INFO",
            "body": {"stringValue": text},
        }
        layer.add(
            t,
            "otlp-logs",
            {
                "resourceLogs": [
                    {
                        "resource": {"attributes": otlp.attributes(resource)},
                        "scopeLogs": [
                            {"scope": {"name": "vllm.v1.metrics.loggers"}, "logRecords": [record]}
                        ],
                    }
                ]
            },
        )


def build(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    simulated = engine.simulate(pages.bounds())
    job = training.Training()
    node = host.Host(simulated.snapshots, job)
    boards = pages.GpuPages(simulated.snapshots, job)
    page = pages.EnginePage()
    layers = {
        name: Layer(name)
        for name in ("l1_gpu", "l2_comm", "l3_host", "l5_train", "l6_infer", "l7_genai")
    }
    engine_resource = {"job": "engines", **story.kubernetes(*story.HOLDERS[0])}
    exporter_resource = {
        "job": "dcgm",
        "host.name": story.NODE,
        "k8s.node.name": story.NODE,
        "k8s.cluster.name": story.CLUSTER,
    }
    for snap in simulated.snapshots:
        t = snap["t"]
        layers["l1_gpu"].add(t, "prom", boards.render(snap), exporter_resource, story.DCGM_TARGET)
        layers["l3_host"].add(t, "otlp-metrics", node.metrics(t))
        layers["l6_infer"].add(t, "prom", page.render(snap), engine_resource, story.ENGINE_TARGET)
    job_resource = {
        "service.name": "gpt-train",
        "nemo.run.id": "gpt-1.3b",
            "train.job": "gpt-1.3b",
        **story.kubernetes(*story.HOLDERS[2]),
    }
    rank_resource = {**job_resource}
    for step in job.steps:
        layers["l5_train"].add(
            step["step_end"], "train-log", "\n".join(job.log_lines(step)), job_resource
        )
        layers["l5_train"].add(step["step_end"], "otlp-metrics", job.metrics(step))
        if step["saved"]:
            layers["l5_train"].add(
                step["end"], "train-log", "\n".join(job.checkpoint_lines(step)), job_resource
            )
        lines = job.inspector_lines(step)
        layers["l2_comm"].add(
            max(t for t, _ in lines),
            "nccl-inspector",
            "\n".join(text for _, text in lines),
            rank_resource,
        )
    for t, body in calls.requests(simulated.calls):
        layers["l7_genai"].add(t, "otlp-traces", body)
    _engine_log(layers["l6_infer"], simulated)
    (folder / "world.yaml").write_text(WORLD_YAML)
    return [layer.write(folder) for layer in layers.values()], simulated, job
