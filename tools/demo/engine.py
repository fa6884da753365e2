# SPDX-License-Identifier: Apache-2.0
"""Starts and ends processes of the demo, and reads the engine's own counters. Ends only what it started."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import install

# name on the engine's page for: running, waiting, prompt tokens, cached part of the prompt, generated tokens
PAGE = {
    "llama": (
        "llamacpp:requests_processing",
        "llamacpp:requests_deferred",
        "llamacpp:prompt_tokens_total",
        "llamacpp:prompt_tokens_cached_total",
        "llamacpp:tokens_predicted_total",
    ),
    "vllm": (
        "vllm:num_requests_running",
        "vllm:num_requests_waiting",
        "vllm:prompt_tokens_total",
        "vllm:prompt_tokens_cached_total",
        "vllm:generation_tokens_total",
    ),
}


def get(url, timeout=3.0):
    """(status, text); status 0 when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError:
        return 0, ""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def _die_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG: nothing outlives a killed demo


class Child:
    """A process in its own group, with its output in a file."""

    def __init__(self, name, command, log, env=None):
        self.name, self.log = name, log
        self.out = open(log, "ab")
        self.process = subprocess.Popen(
            [str(c) for c in command],
            stdout=self.out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )

    def alive(self):
        return self.process.poll() is None

    def stop(self, patience_s=15.0):
        if self.alive():
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                self.process.wait()
        self.out.close()

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def tail(self):
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no output"


class Engine:
    """A running inference engine with an OpenAI API on loopback."""

    def __init__(self, kind, port, folder, otlp_grpc):
        self.kind, self.port = kind, port
        self.url = f"http://127.0.0.1:{port}"
        log = folder / f"{kind}.log"
        if kind == "llama":
            server, weights = install.llama()
            command = [
                server,
                "-m",
                weights,
                "--alias",
                "tiny",
                "--host",
                "127.0.0.1",
                "--port",
                port,
                "--metrics",
                "--slots",
                "-c",
                4096,
                "-np",
                4,
                "-t",
                1,
                "--threads-http",
                64,
            ]
            env, patience = {}, 30
        else:
            python, weights = install.vllm()
            command = [
                python,
                "-m",
                "vllm.entrypoints.openai.api_server",
                "--model",
                weights,
                "--host",
                "127.0.0.1",
                "--port",
                port,
                "--max-model-len",
                512,
                "--max-num-seqs",
                8,
                "--num-gpu-blocks-override",
                24,
                "--block-size",
                32,
                "--enforce-eager",
                "--served-model-name",
                "tiny",
                "--otlp-traces-endpoint",
                otlp_grpc,
            ]
            env = {
                "HF_HUB_OFFLINE": "1",
                "VLLM_NO_USAGE_STATS": "1",
                "DO_NOT_TRACK": "1",
                "VLLM_CPU_KVCACHE_SPACE": "1",
                "VLLM_HOST_IP": "127.0.0.1",
                "OTEL_EXPORTER_OTLP_TRACES_INSECURE": "true",
                "OTEL_SERVICE_NAME": "vllm-tiny",
            }
            patience = 240
        self.child = Child(kind, command, log, env)
        end = time.monotonic() + patience
        while get(self.url + "/health")[0] != 200:
            if not self.child.alive() or time.monotonic() > end:
                why = "ended" if not self.child.alive() else f"not healthy after {patience} s"
                self.child.stop()
                raise install.NotInstalled(
                    f"{kind} server {why}: {self.child.tail()} (output: {log})"
                )
            time.sleep(0.3)

    def counters(self):
        """running, waiting, prompt (cached included), cached, generated, preemptions, aborts, kv (None: not on the page);
        None when the page does not answer."""
        status, text = get(self.url + "/metrics")
        if status != 200:
            return None
        values = []
        for name in PAGE[self.kind]:
            found = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.M)
            values.append(sum(float(v) for v in found))
        out = dict(zip(("running", "waiting", "prompt", "cached", "generated"), values))
        if self.kind == "llama":
            out["prompt"] += out["cached"]  # its prompt counter leaves the cached part out
        vllm_sum = lambda name: sum(
            float(v) for v in re.findall(rf"^vllm:{name} (\S+)$", text, re.M)
        )
        out["preemptions"] = vllm_sum(r"num_preemptions_total\{[^}]*\}")
        out["aborts"] = vllm_sum(r'request_success_total\{[^}]*finished_reason="abort"[^}]*\}')
        kv = re.findall(r"^vllm:kv_cache_usage_perc\{[^}]*\} (\S+)$", text, re.M)
        out["kv"] = float(kv[0]) if kv else None
        return out

    def stop(self):
        self.child.stop()
