# SPDX-License-Identifier: Apache-2.0
"""A four-rank data-parallel Megatron job, step by step: its log, its OTLP metrics and its NCCL Inspector records.

A rank that arrives early at a collective waits inside it, so in the straggler episode the slow rank's collectives are
the short ones.
"""

import copy
import json
import random

from worldgen import otlp, story

RANKS = 4
FIRST_ITERATION, LAST_ITERATION = 12001, 500000
GLOBAL_BATCH, SEQUENCE = 640, 2048
PARAMETERS, VOCABULARY, HIDDEN = 1.31e9, 50304, 2048
CHECKPOINT_EVERY, CHECKPOINT_S = 150, 3.8
COMPUTE_S, OPTIMIZER_S, DATA_WAIT_S = 5.62, 0.11, 0.035
SLOW_FACTOR = 1.36
COMMUNICATOR = "0x9c41b7d20e55a3f8"
PIDS = (41210, 41211, 41212, 41213)
# operation, bytes as Inspector counts them, bus bandwidth in GB/s, first sequence number. NCCL counts per operation;
# the ranges of a job that has restarted do not overlap.
COLLECTIVES = (
    ("ReduceScatter", int(PARAMETERS) // RANKS * 4, 356.0, 48004),
    ("AllReduce", VOCABULARY * HIDDEN * 4, 331.0, 12001),
    ("AllGather", int(PARAMETERS) // RANKS * 2, 349.0, 73015),
)
FLOPS_PER_TOKEN = 6 * PARAMETERS * 1.06  # with the attention term, as Megatron counts
TOKENS = GLOBAL_BATCH * SEQUENCE


def bus_factor(operation):
    return (2.0 if operation == "AllReduce" else 1.0) * (RANKS - 1) / RANKS


def moved(operation, size):
    """Bytes over which Inspector takes the algorithm bandwidth: the whole buffer of all ranks."""
    return size if operation == "AllReduce" else size * RANKS


class Training:
    def __init__(self):
        self.rng = random.Random(story.SEED + 2)
        self.steps = []
        start, number = 0.4, 0
        while True:
            step = self._step(start, number)
            if step["end"] > story.DURATION_S - 1.0:
                break
            self.steps.append(step)
            start, number = step["end"], number + 1

    def _step(self, start, number):
        rng = self.rng
        # A training job stalls on its data a little later than the disks do: its loaders hold some batches.
        stalled = story.IO_WAIT[0] + 6.0 <= start < story.IO_WAIT[1] + 2.0
        ready, data_wait, compute = [], [], []
        for rank in range(RANKS):
            wait = story.wobble(rng, 2.6 if stalled else DATA_WAIT_S, 0.25)
            slow = (
                SLOW_FACTOR
                if rank == story.SLOW_RANK and story.inside(start, story.STRAGGLER)
                else 1.0
            )
            work = story.wobble(rng, COMPUTE_S * slow, 0.004)
            data_wait.append(wait)
            compute.append(work)
            ready.append(start + wait + work)
        records, waited, moving = [], [0.0] * RANKS, 0.0
        for operation, size, busbw, first in COLLECTIVES:
            spent = moved(operation, size) / (
                story.wobble(rng, busbw, 0.02) * 1e9 / bus_factor(operation)
            )
            last = max(ready)
            moving += spent
            for rank in range(RANKS):
                waited[rank] += last - ready[rank]
                end = last + spent + 2e-6 * rank
                records.append(
                    {
                        "operation": operation,
                        "size": size,
                        "sn": first + number,
                        "rank": rank,
                        "start": ready[rank],
                        "end": end,
                    }
                )
                gap = (
                    OPTIMIZER_S if operation == "AllReduce" else 0.0004
                )  # the optimizer runs before the gather
                ready[rank] = end + story.wobble(rng, gap, 0.02)
        end = max(ready)
        saved = (number + 1) % CHECKPOINT_EVERY == 0
        return {
            "number": number,
            "start": start,
            "step_end": end,
            "end": end + (CHECKPOINT_S if saved else 0.0),
            "saved": saved,
            "data_wait": data_wait,
            "compute": compute,
            "wait": waited,
            "moving": moving,
            "records": records,
            "loss": 2.412 - 0.00022 * number + 0.012 * (rng.random() - 0.5),
            "grad_norm": story.wobble(rng, 0.31, 0.12),
        }

    def load(self, rank, t, window=story.PAGE_S):
        """Shares of the last `window` seconds, and NVLink bytes per second, of one rank."""
        out = dict.fromkeys(("compute", "wait", "move", "bytes_per_s"), 0.0)
        begin = max(0.0, t - window)
        if t <= begin:
            return out
        for step in self.steps:
            covered = min(t, step["step_end"]) - max(begin, step["start"])
            if covered <= 0:
                continue
            part = covered / (step["step_end"] - step["start"]) / (t - begin)
            out["compute"] += step["compute"][rank] * part
            out["wait"] += step["wait"][rank] * part
            out["move"] += step["moving"] * part
            out["bytes_per_s"] += (
                sum(moved(o, s) * bus_factor(o) for o, s, _, _ in COLLECTIVES) * part
            )
        return out

    # ---- what the job writes
    def log_lines(self, step):
        elapsed = step["step_end"] - step["start"]
        iteration = FIRST_ITERATION + step["number"]
        rate = FLOPS_PER_TOKEN * TOKENS / elapsed / RANKS / 1e12
        lines = [
            f" iteration {iteration:8d}/{LAST_ITERATION:8d} | consumed samples: {iteration * GLOBAL_BATCH:12d} | "
            f"elapsed time per iteration (ms): {elapsed * 1e3:.1f} | throughput per GPU (TFLOP/s/GPU): {rate:.1f} | "
            f"learning rate: 1.873E-04 | global batch size: {GLOBAL_BATCH:5d} | lm loss: {step['loss']:.6E} | "
            f"loss scale: 1.0 | grad norm: {step['grad_norm']:.3f} | number of skipped iterations:   0 | "
            f"number of nan iterations:   0 |",
            "(min, max) time across ranks (ms):",
            f"    forward-backward ...............................: ({min(step['compute']) * 1e3:.2f}, "
            f"{max(step['compute']) * 1e3:.2f})",
            f"    batch-generator ................................: ({min(step['data_wait']) * 1e3:.2f}, "
            f"{max(step['data_wait']) * 1e3:.2f})",
        ]
        return lines

    def checkpoint_lines(self, step):
        iteration = FIRST_ITERATION + step["number"]
        return [
            f"saving checkpoint at iteration {iteration:7d} to /checkpoints/gpt-1.3b in torch_dist format",
            f"  successfully saved checkpoint from iteration {iteration:7d} to /checkpoints/gpt-1.3b "
            f"[ t 1/1, p 1/1 ]",
            "(min, max) time across ranks (ms):",
            f"    save-checkpoint ................................: ({CHECKPOINT_S * 1e3 - 41.2:.2f}, "
            f"{CHECKPOINT_S * 1e3:.2f})",
        ]

    def resource(self, rank):
        return {
            "service.name": "gpt-train",
            "service.instance.id": f"gpt-1.3b-rank{rank}",
            "nemo.run.id": "gpt-1.3b",
            "train.job": "gpt-1.3b",
            "dl.rank": rank,
            "rank": rank,
            "dl.world_size": RANKS,
            "dl.local_rank": rank,
            "dl.data_parallel.rank": rank,
            "dl.data_parallel.size": RANKS,
            **story.kubernetes(*story.HOLDERS[story.TRAIN_GPUS[0]]),
        }

    def metrics(self, step):
        """Each rank tells its step and its wait for data; the rest comes from the last rank, as Megatron does it."""
        t, elapsed = step["step_end"], step["step_end"] - step["start"]
        out = []
        for rank in range(RANKS):
            one = lambda name, unit, value: otlp.gauge(name, unit, [otlp.point(t, value)])
            metrics = [
                one("megatron.training.step_duration_ms", "ms", round(elapsed * 1e3, 1)),
                one("train.data_wait.duration", "s", round(step["data_wait"][rank], 4)),
            ]
            if rank == RANKS - 1:
                metrics += [
                    one("megatron.training.loss", "1", round(step["loss"], 6)),
                    one("megatron.training.grad_norm", "1", round(step["grad_norm"], 3)),
                    one(
                        "megatron.training.tokens_per_sec", "{token}/s", round(TOKENS / elapsed, 1)
                    ),
                    one(
                        "megatron.training.throughput_tflops",
                        "TFLOP/s",
                        round(FLOPS_PER_TOKEN * TOKENS / elapsed / RANKS / 1e12, 1),
                    ),
                    one("megatron.training.skipped_iters", "{iteration}", 0),
                    one("megatron.training.learning_rate", "1", 1.873e-4),
                    one("megatron.training.memory_allocated_gb", "GB", 61.4),
                ]
            out.append(otlp.resource_metrics(self.resource(rank), "megatron.training", metrics))
        return {"resourceMetrics": out}

    def inspector_lines(self, step):
        """Records as NCCL Inspector writes them with kernel timing; stamps are microseconds since world start."""
        shape = story.recorded_jsonl("nccl-inspector.jsonl")[1]
        out = []
        for record in sorted(step["records"], key=lambda r: (r["end"], r["rank"])):
            micro = lambda t: int(round(t * 1e6))
            begin, end, rank = micro(record["start"]), micro(record["end"]), record["rank"]
            line = copy.deepcopy(shape)
            line["header"].update(id=COMMUNICATOR, rank=rank, n_ranks=RANKS, nnodes=1)
            line["metadata"].update(
                git_rev="", dump_timestamp_us=end + 180, hostname=story.NODE, pid=PIDS[rank]
            )
            algbw = moved(record["operation"], record["size"]) / max(1, end - begin) / 1e3
            perf = line["coll_perf"]
            perf.update(
                coll=record["operation"],
                coll_sn=record["sn"],
                coll_msg_size_bytes=record["size"],
                coll_exec_time_us=end - begin,
                coll_algobw_gbs=round(algbw, 6),
                coll_busbw_gbs=round(algbw * bus_factor(record["operation"]), 6),
            )
            perf["event_trace_ts"] = {
                "coll_start_ts": begin - 90,
                "coll_stop_ts": begin - 84,
                "kernel_events": [
                    {
                        "channel_id": 0,
                        "kernel_start_ts": begin,
                        "kernel_stop_ts": end,
                        "kernel_record_ts": end,
                    }
                ],
            }
            perf["event_trace_sn"] = {
                "coll_start_sn": 1,
                "coll_stop_sn": 2,
                "kernel_events": [
                    {
                        "channel_id": 0,
                        "kernel_start_sn": 3,
                        "kernel_stop_sn": 5,
                        "kernel_record_sn": 4,
                    }
                ],
            }
            out.append((record["end"] + 0.0002, json.dumps(line, separators=(",", ":"))))
        return out
