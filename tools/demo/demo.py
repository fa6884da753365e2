# SPDX-License-Identifier: Apache-2.0
"""make demo: calm, then a queue and a full cache, then callers that hang up, then nobody; strata looks on.

Starts what it needs (strata only if none answers at STRATA_URL), prints at each step what to look at, compares the
client's own counts with strata's at the end, and with Ctrl-C ends everything it started and nothing else.
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import threading
import time

import install
import truth
from engine import Child, Engine, get
from load import MODEL, Load, quantile

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "demo"
STRATA = ROOT / "build" / "strata"
STEPS = ("calm", "pressure", "hangup", "idle")
SECONDS = {"calm": 60, "pressure": 150, "hangup": 60, "idle": 150}
say = install.say


def arguments():
    parser = argparse.ArgumentParser(
        prog="tools/demo/run",
        description=__doc__.split("\n")[0],
        epilog="example: ENGINE=vllm tools/demo/run --scale 0.5",
    )
    parser.add_argument(
        "--steps", default=",".join(STEPS), help="comma list of " + ", ".join(STEPS)
    )
    parser.add_argument("--scale", type=float, default=1.0, help="all step lengths times this")
    parser.add_argument(
        "--json", action="store_true", help="the summary as JSON on stdout, then end"
    )
    parser.add_argument("--url", default=os.environ.get("STRATA_URL", "http://127.0.0.1:4319"))
    parser.add_argument("--otlp-http", default="http://127.0.0.1:4318")
    parser.add_argument("--otlp-grpc", default="http://127.0.0.1:4317")
    parser.add_argument(
        "--engine", default=os.environ.get("ENGINE", "llama"), choices=("llama", "vllm")
    )
    parser.add_argument("--engine-port", type=int, default=18080)
    parser.add_argument(
        "--counts",
        type=pathlib.Path,
        default=FOLDER / "counts.json",
        help="where the client's counts go",
    )
    given = parser.parse_args()
    given.steps = given.steps.split(",")
    unknown = [s for s in given.steps if s not in STEPS]
    if unknown:
        parser.error(f"unknown step {unknown[0]}: one of {', '.join(STEPS)}")
    return given


class Demo:
    def __init__(self, given):
        self.given, self.children, self.engine, self.load = given, [], None, None
        self.ending = threading.Event()
        self.summary = {"engine": given.engine, "steps": {}, "model": MODEL}

    # ---- what it starts
    def strata(self):
        if get(self.given.url + "/healthz")[0] == 200:
            say(f"using the strata that answers at {self.given.url}")
            return
        if not STRATA.exists():
            raise SystemExit("demo: build/strata is not there: make build")
        config = FOLDER / "strata.yaml"
        config.write_text(
            "cluster: demo-live\n"
            f'scrape:\n  - {{job: engines, targets: ["127.0.0.1:{self.given.engine_port}"], interval: 2s, layer: l6_infer}}\n'
            'slo: [{model: "*", ttft: 2s, objective: 0.99}]\n'
            "prices: {cpu_core_usd_per_hour: 0.032}\n"
        )
        child = Child(
            "strata",
            [STRATA, "up", "--data", FOLDER / "data", "--config", config],
            FOLDER / "strata.log",
        )
        self.children.append(child)
        end = time.monotonic() + 60
        while get(self.given.url + "/readyz")[0] != 200:
            if not child.alive() or time.monotonic() > end:
                raise SystemExit(
                    f"demo: strata did not start: {child.tail()} (output: {child.log})"
                )
            self.ending.wait(0.3)
        say(f"strata is up: {self.given.url}")

    def stop(self):
        self.ending.set()
        if self.load:
            self.load.stopping.set()
        if self.engine:
            self.engine.stop()
        for child in reversed(self.children):
            child.stop()

    # ---- the story
    def tick(self, calls):
        page = self.engine.counters() or {}
        kv = f", KV {page['kv']:.2f}" if page.get("kv") is not None else ""
        ttft = [c.ttft_s for c in calls]
        half, worst = quantile(ttft, 0.5), quantile(ttft, 0.99)
        times = f", TTFT p50 {half:.2f} s p99 {worst:.2f} s" if half is not None else ""
        say(
            f"  running {page.get('running', 0):.0f}, waiting {page.get('waiting', 0):.0f}{kv}; {len(calls)} calls done{times}"
        )

    def look(self, *lines):
        for line in lines:
            say("  look: " + line)

    def calm(self, seconds):
        self.look(
            f"{self.given.url}  the headline becomes the cost of a useful token",
            "build/strata cost --by model,tenant",
        )
        return self.load.workers(2, seconds, (16, 40), pause_s=0.6, tick=self.tick, errors=2)

    def pressure(self, seconds):
        self.look(
            "build/strata why  names the queue"
            + (" and the full KV cache" if self.given.engine == "vllm" else ""),
            "build/strata core --entity … of the engine: eight layers on one clock",
        )
        callers, tokens = (40, (200, 300)) if self.given.engine == "vllm" else (16, (100, 160))
        return self.load.workers(callers, seconds, tokens, tick=self.tick)

    def hangup(self, seconds):
        self.look(
            'build/strata sql "SELECT status, count() FROM requests GROUP BY status"',
            "the engine counts no abort; the callers' spans do",
        )
        return self.load.workers(12, seconds, (120, 200), hang_up=0.5, tick=self.tick)

    def idle(self, seconds):
        self.look("build/strata cost --by class  idle_held grows, nothing useful is bought")
        self.ending.wait(seconds)
        return []

    def tell(self, name, calls, began):
        ttft = [c.ttft_s for c in calls]
        self.summary["steps"][name] = {
            "begin": began,
            "end": time.time(),
            "calls": len(calls),
            "ttft_p50_s": quantile(ttft, 0.5),
            "ttft_p99_s": quantile(ttft, 0.99),
            "peak_waiting": self.peak["waiting"],
            "peak_running": self.peak["running"],
            "peak_kv": self.peak["kv"],
        }

    def _watch(self):
        while not self.ending.is_set():
            page = self.engine.counters()
            for key in ("waiting", "running", "kv"):
                if page and page[key] is not None:
                    self.peak[key] = max(self.peak[key] or 0.0, page[key])
            self.ending.wait(0.5)

    def play(self):
        given = self.given
        self.engine = Engine(given.engine, given.engine_port, FOLDER, given.otlp_grpc)
        say(
            f"{given.engine} answers at {self.engine.url} with a tiny random model (what it says means nothing)"
        )
        self.load = Load(self.engine.url, given.otlp_http, given.engine)
        before, self.begun = self.engine.counters(), time.time()
        self.peak = {"waiting": 0.0, "running": 0.0, "kv": None}
        threading.Thread(target=self._watch, daemon=True).start()
        for number, name in enumerate(given.steps, 1):
            if self.ending.is_set():
                return
            seconds = SECONDS[name] * given.scale
            say(f"step {number} of {len(given.steps)}: {name}, {seconds:.0f} s")
            self.peak.update(waiting=0.0, running=0.0, kv=None)
            began = time.time()
            self.tell(name, getattr(self, name)(seconds), began)
            self.load.flush()
        after = self.engine.counters()
        self.summary["engine_counters"] = {
            k: after[k] - before[k]
            for k in ("prompt", "cached", "generated", "preemptions", "aborts")
        }
        self.compare()

    def compare(self):
        want = self.load.truth()
        self.summary["client"] = want
        self.summary["calls"] = [vars(c) for c in self.load.calls]
        self.given.counts.parent.mkdir(parents=True, exist_ok=True)
        self.given.counts.write_text(json.dumps(self.summary, indent=1) + "\n")
        say("comparing with strata's own rows (they appear within seconds)")
        equal, got = truth.wait_for(self.given.url, self.begun, want, MODEL, stop=self.ending)
        self.summary.update(strata=got, equal=equal)
        self.given.counts.write_text(json.dumps(self.summary, indent=1) + "\n")
        say(
            "client's truth and strata's rows "
            + (
                "are equal:"
                if equal
                else "DIFFER:"
                if got
                else "cannot be compared: no answer from /api/v1/requests"
            )
        )
        print(truth.table(want, got), file=sys.stderr)
        generated = self.summary["engine_counters"]["generated"]
        say(
            f"the engine's own counter says {generated:.0f} generated tokens, {generated - want['output_tokens']:.0f} more than the "
            "completed calls: what hung-up callers had been sent"
        )
        for line in (["status"], ["why"], ["cost"]):
            code, text = truth.command(STRATA, self.given.url, *line)
            print(f"\n$ build/strata {line[0]}\n{text.rstrip()}", file=sys.stderr)


def main():
    given = arguments()
    FOLDER.mkdir(parents=True, exist_ok=True)
    demo = Demo(given)

    def end(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    code = 0
    try:
        demo.strata()
        try:
            demo.play()
            code = 0 if demo.summary.get("equal") else 1
        except install.NotInstalled as error:
            say(f"no engine: {error}")
            demo.summary["engine_error"] = str(error)
            code = 1
        if given.json:
            demo.summary.pop("calls", None)
            print(json.dumps(demo.summary))
        elif demo.children:
            say(f"the page stays up: {given.url}   Ctrl-C ends the demo")
            while all(c.alive() for c in demo.children):
                demo.ending.wait(1)
    except KeyboardInterrupt:
        say("ending what the demo started")
        code = 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()
    return code


if __name__ == "__main__":
    sys.exit(main())
