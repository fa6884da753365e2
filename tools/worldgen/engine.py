# SPDX-License-Identifier: Apache-2.0
"""A continuous-batching engine with a small KV pool, step by step: admission, prefix cache, preemption, hang-ups.

Gives what the engine's page, its spans and its callers would see of the same calls; all counters start at zero.
"""

import bisect
import dataclasses
import math
import random

from worldgen import story

BLOCK_TOKENS = 16
KV_BLOCKS = (
    1152  # a pool far smaller than the GPU's free memory: gpu_memory_utilization was set to 0.22
)
MAX_RUNNING = 64
STEP_BASE_S, STEP_PER_SEQUENCE_S, PREFILL_S_PER_TOKEN = 0.0085, 0.00022, 0.000028
PREFILL_BUDGET = 4096

HISTOGRAMS = (
    "vllm:time_to_first_token_seconds",
    "vllm:inter_token_latency_seconds",
    "vllm:request_time_per_output_token_seconds",
    "vllm:e2e_request_latency_seconds",
    "vllm:request_queue_time_seconds",
    "vllm:request_inference_time_seconds",
    "vllm:request_prefill_time_seconds",
    "vllm:request_decode_time_seconds",
    "vllm:request_num_preemptions",
    "vllm:request_prompt_tokens",
    "vllm:request_generation_tokens",
    "vllm:iteration_tokens_total",
    "vllm:request_max_num_generation_tokens",
    "vllm:request_params_max_tokens",
    "vllm:request_prefill_kv_computed_tokens",
    "vllm:request_params_n",
)


@dataclasses.dataclass
class Tenant:
    name: str
    app: str
    legacy: bool  # spans in the names of conventions <= 1.36
    rate: float  # calls per second while calm
    system_tokens: int  # shared prefix
    prompt: tuple  # (low, high) without the prefix
    output: tuple
    max_tokens: int


TENANTS = (
    Tenant("acme", "support-bot", False, 0.25, 320, (40, 420), (60, 320), 512),
    Tenant("globex", "search-assist", False, 0.15, 192, (200, 900), (40, 200), 256),
    Tenant("initech", "code-helper", True, 0.12, 128, (120, 1100), (90, 420), 512),
    Tenant("umbrella", "doc-summariser", False, 0.03, 64, (1500, 2100), (180, 300), 320),
)
BATCH_WORKERS = 36  # callers of the last tenant during the pressure, each with one call open


@dataclasses.dataclass
class Call:
    number: int
    tenant: Tenant
    arrive: float
    prompt: int
    output: int  # what it will generate when nobody hangs up
    reason: str  # stop | length
    give_up: float  # moment at which the caller hangs up if nothing has come; inf = never
    hang_up_after: int = 0  # tokens after which the caller hangs up; 0 = never
    worker: bool = False
    cached: int = 0
    done: int = 0
    blocks: int = 0
    scheduled: float = 0.0
    first: float = 0.0
    last: float = 0.0
    ended: float = 0.0
    preemptions: int = 0
    status: str = "open"  # ok | aborted


class Histogram:
    def __init__(self, bounds):
        self.bounds, self.counts, self.sum = bounds, [0] * (len(bounds) + 1), 0.0

    def observe(self, value):
        self.counts[bisect.bisect_left(self.bounds, value)] += 1
        self.sum += value


class Engine:
    def __init__(self, bounds, rng):
        self.rng = rng
        self.now = 0.0
        self.waiting, self.running, self.calls = [], [], []
        self.free = KV_BLOCKS
        self.warm = set()
        self.counters = dict.fromkeys(
            ("prompt", "cached", "generation", "preemptions", "stop", "length", "steps"), 0
        )
        self.histograms = {name: Histogram(bounds[name]) for name in HISTOGRAMS}
        self.busy_s = self.prefill_s = 0.0
        self.snapshots = []
        self.seen = []  # (t, running, waiting, kv) once a second

    # ---- arrivals
    def _draw(self, tenant, t, worker=False):
        rng = self.rng
        output = rng.randint(*tenant.output)
        patience = math.inf if worker else 6.0 + 9.0 * rng.random()
        call = Call(
            len(self.calls),
            tenant,
            t,
            tenant.system_tokens + rng.randint(*tenant.prompt),
            min(output, tenant.max_tokens),
            "length" if output >= tenant.max_tokens else "stop",
            t + patience,
            worker=worker,
        )
        if rng.random() < 0.06:
            call.output, call.reason = tenant.max_tokens, "length"
        if not worker and rng.random() < 0.015:
            call.hang_up_after = max(2, call.output // 3)
        self.calls.append(call)
        return call

    def arrivals(self):
        """Open-loop calls of the whole world, in order; the workers' calls are made as they come free."""
        out = []
        for tenant in TENANTS:
            t = 2.0
            while True:
                t += -math.log(1.0 - self.rng.random()) / tenant.rate
                if t > story.DURATION_S - 20.0:
                    break
                out.append((t, tenant))
        return sorted(out, key=lambda pair: pair[0])

    # ---- one step
    def _admit(self):
        budget = PREFILL_BUDGET
        prefilled, computed = [], 0
        while self.waiting and len(self.running) < MAX_RUNNING:
            call = self.waiting[0]
            context = call.prompt + call.done
            hit = (
                call.tenant.system_tokens // BLOCK_TOKENS * BLOCK_TOKENS
                if call.tenant.name in self.warm
                else 0
            )
            need = -(-(context + 1) // BLOCK_TOKENS)
            todo = context - hit
            if need > self.free or (todo > budget and prefilled):
                break
            self.waiting.pop(0)
            self.free -= need
            call.blocks = need
            budget -= todo
            if not call.scheduled:
                call.scheduled = self.now
                call.cached = hit
                self.counters["prompt"] += call.prompt
                self.counters["cached"] += hit
            self.warm.add(call.tenant.name)
            prefilled.append(call)
            computed += todo
            self.running.append(call)
        return computed

    def _release(self, call):
        self.free += call.blocks
        call.blocks = 0

    def _preempt_for(self, call):
        """Frees blocks by sending the youngest running calls back to the queue; False = `call` itself was the one."""
        while self.free == 0:
            victim = self.running.pop()
            self._release(victim)
            victim.preemptions += 1
            self.counters["preemptions"] += 1
            self.waiting.insert(0, victim)
            if victim is call:
                return False
        return True

    def _finish(self, call, status):
        call.status, call.ended = status, self.now
        self._release(call)
        if status != "ok":
            return  # the engine's own abort counter stays 0, as the real one's did
        self.counters[call.reason] += 1
        see = lambda name, value: self.histograms["vllm:" + name].observe(value)
        see("e2e_request_latency_seconds", self.now - call.arrive)
        see("request_queue_time_seconds", call.scheduled - call.arrive)
        see("request_prefill_time_seconds", call.first - call.scheduled)
        see("request_decode_time_seconds", call.last - call.first)
        see("request_inference_time_seconds", call.last - call.scheduled)
        see(
            "request_time_per_output_token_seconds",
            (call.last - call.first) / max(1, call.output - 1),
        )
        see("request_num_preemptions", call.preemptions)
        see("request_prompt_tokens", call.prompt)
        see("request_generation_tokens", call.output)
        see("request_max_num_generation_tokens", call.output)
        see("request_params_max_tokens", call.tenant.max_tokens)
        see("request_prefill_kv_computed_tokens", call.prompt - call.cached)
        see("request_params_n", 1)

    def _hang_ups(self):
        for call in [c for c in self.waiting if not c.first and c.give_up <= self.now]:
            self.waiting.remove(call)
            self._finish(call, "aborted")

    def step(self):
        self._hang_ups()
        computed = self._admit()
        if not self.running:
            return False
        for call in list(self.running):  # the block that the next token needs
            if call not in self.running:
                continue
            if call.prompt + call.done + 1 > call.blocks * BLOCK_TOKENS:
                if self.free == 0 and not self._preempt_for(call):
                    continue
                self.free -= 1
                call.blocks += 1
        spent = (
            STEP_BASE_S + STEP_PER_SEQUENCE_S * len(self.running) + PREFILL_S_PER_TOKEN * computed
        )
        spent = story.wobble(self.rng, spent, 0.08)
        self.now += spent
        self.busy_s += spent
        self.prefill_s += PREFILL_S_PER_TOKEN * computed
        self.counters["steps"] += 1
        self.histograms["vllm:iteration_tokens_total"].observe(computed + len(self.running))
        for call in list(self.running):
            call.done += 1
            self.counters["generation"] += 1
            if not call.first:
                call.first = self.now
                self.histograms["vllm:time_to_first_token_seconds"].observe(self.now - call.arrive)
            else:
                self.histograms["vllm:inter_token_latency_seconds"].observe(self.now - call.last)
            call.last = self.now
            if call.done >= call.output or call.done == call.hang_up_after:
                self.running.remove(call)
                self._finish(call, "ok" if call.done >= call.output else "aborted")
        return True

    # ---- the whole world
    def snapshot(self, t):
        self.snapshots.append(
            {
                "t": t,
                "running": len(self.running),
                "waiting": len(self.waiting),
                "kv": (KV_BLOCKS - self.free) / KV_BLOCKS,
                "busy_s": self.busy_s,
                "prefill_s": self.prefill_s,
                "counters": dict(self.counters),
                "histograms": {k: (list(h.counts), h.sum) for k, h in self.histograms.items()},
            }
        )

    def run(self):
        pending = self.arrivals()
        workers = [story.KV_PRESSURE[0] + 30.0 * i / BATCH_WORKERS for i in range(BATCH_WORKERS)]
        pages, second = story.page_times(), 0.0
        batch = TENANTS[-1]
        while True:
            upcoming = [pages[0]] if pages else []
            if pending:
                upcoming.append(pending[0][0])
            workers.sort()
            if workers:
                upcoming.append(workers[0])
            if not upcoming:
                break
            if not self.step():
                self.now = max(self.now, min(upcoming))
            while pages and pages[0] <= self.now:
                self.snapshot(pages.pop(0))
            if self.now >= second:
                self.seen.append(
                    (
                        self.now,
                        len(self.running),
                        len(self.waiting),
                        (KV_BLOCKS - self.free) / KV_BLOCKS,
                    )
                )
                second = self.now + 1.0
            while pending and pending[0][0] <= self.now:
                t, tenant = pending.pop(0)
                self.waiting.append(self._draw(tenant, t))
            while workers and workers[0] <= self.now:
                t = workers.pop(0)
                if t < story.KV_PRESSURE[1] - 5.0:
                    self.waiting.append(self._draw(batch, t, worker=True))
            for call in [c for c in self.calls[-400:] if c.worker and c.ended]:
                call.worker = False  # its worker thinks a little, then calls again
                workers.append(call.ended + 0.05 + 0.3 * self.rng.random())
        return self


def simulate(bounds):
    return Engine(bounds, random.Random(story.SEED)).run()
