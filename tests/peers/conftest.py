# SPDX-License-Identifier: Apache-2.0
"""Real peers against the running program. PEERS="engine vllm collector" selects; what is not selected is skipped, what
is selected and cannot run fails. Everything binds to loopback on free ports and ends with the test."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest
import requests

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = pathlib.Path(os.environ.get("STRATA") or ROOT / "build" / "strata")


def pytest_configure(config):
    config.addinivalue_line("markers", "peer(name): needs the peer `name` in PEERS")


def pytest_collection_modifyitems(items):
    chosen = os.environ.get("PEERS", "").split()
    for item in items:
        mark = item.get_closest_marker("peer")
        if mark and mark.args[0] not in chosen:
            item.add_marker(
                pytest.mark.skip(reason=f'{mark.args[0]} is not in PEERS ("{" ".join(chosen)}")')
            )


def cache():
    base = os.environ.get("STRATA_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "strata"
    )
    folder = pathlib.Path(base)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Process:
    """A child in its own group with its output in a file."""

    def __init__(self, command, log, env=None):
        self.log = pathlib.Path(log)
        self.out = open(self.log, "wb")
        self.process = subprocess.Popen(
            [str(c) for c in command],
            stdout=self.out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_until(self, ready, patience_s, what):
        end = time.monotonic() + patience_s
        while not ready():
            assert self.process.poll() is None, f"{what} ended: {self.text()[-2000:]}"
            assert time.monotonic() < end, (
                f"{what} not ready after {patience_s} s: {self.text()[-2000:]}"
            )
            time.sleep(0.2)

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.out.close()


class Strata:
    """`strata up` on free ports with a fresh data folder."""

    def __init__(self, folder, config=""):
        assert STRATA.exists(), f"{STRATA} is not there: make build"
        self.grpc_port, self.http_port, self.api_port = free_ports(3)
        self.url = f"http://127.0.0.1:{self.api_port}"
        self.otlp_http = f"http://127.0.0.1:{self.http_port}"
        self.otlp_grpc = f"http://127.0.0.1:{self.grpc_port}"
        file = folder / "strata.yaml"
        file.write_text(
            "cluster: peers\n"
            f"ports: {{otlp_grpc: {self.grpc_port}, otlp_http: {self.http_port}, api: {self.api_port}}}\n"
            "discover: {kubernetes: off, engines: auto}\n"
            "prices: {cpu_core_usd_per_hour: 0.032}\n" + config
        )
        self.process = Process(
            [STRATA, "up", "--data", folder / "data", "--config", file], folder / "strata.log"
        )
        self.process.wait_until(self._ready, 60, "strata")

    def _ready(self):
        try:
            return requests.get(self.url + "/readyz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def get(self, path, **query):
        answer = requests.get(
            f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}", timeout=30
        )
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def command(self, *arguments, allowed=(0,)):
        done = subprocess.run(
            [str(STRATA), *arguments, "--url", self.url], capture_output=True, text=True, timeout=60
        )
        assert done.returncode in allowed, (
            f"strata {' '.join(arguments)}: {done.returncode} {done.stderr[-1000:]}"
        )
        return done.stdout

    def sql(self, query):
        return [
            json.loads(line)
            for line in self.command("sql", query, "--format", "jsonl").splitlines()
            if line
        ]

    def eventually(self, ask, patience_s, what):
        """First true answer of `ask`; the last false one in the message when none comes."""
        end, answer = time.monotonic() + patience_s, None
        while time.monotonic() < end:
            answer = ask()
            if answer:
                return answer
            time.sleep(1)
        pytest.fail(f"{what}: not within {patience_s} s; last answer {answer!r}")

    def stop(self):
        self.process.stop()


@pytest.fixture(scope="module")
def new_strata(tmp_path_factory):
    """Makes programs that end with the module: new_strata(config)."""
    made = []

    def make(config=""):
        made.append(Strata(tmp_path_factory.mktemp("strata"), config))
        return made[-1]

    yield make
    for strata in made:
        strata.stop()


def play_demo(strata, engine, port, folder, scale, limit_s):
    """The demo's steps against `strata`; its summary, with the client's own record of every call."""
    counts = folder / "counts.json"
    child = Process(
        [
            ROOT / "tools" / "demo" / "run",
            "--json",
            "--engine",
            engine,
            "--scale",
            scale,
            "--url",
            strata.url,
            "--otlp-http",
            strata.otlp_http,
            "--otlp-grpc",
            strata.otlp_grpc,
            "--engine-port",
            port,
            "--counts",
            counts,
        ],
        folder / "demo.log",
    )
    try:
        child.process.wait(limit_s)
    except subprocess.TimeoutExpired:
        child.stop()
        pytest.fail(f"the demo did not end in {limit_s} s: {child.text()[-3000:]}")
    print(child.text())
    assert counts.exists(), f"the demo made no counts: {child.text()[-3000:]}"
    return json.loads(counts.read_text())
