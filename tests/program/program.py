# SPDX-License-Identifier: Apache-2.0
"""The program under test: starts it on free ports in a folder of its own, reads the ports it prints, asks it things,
ends it. One place for what the tests of the program and with_strata.py share."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import requests
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
STRATA = pathlib.Path(os.environ.get("STRATA") or ROOT / "build" / "strata")
START_S = 60
PORT_LINE = re.compile(r"^strata: (OTLP/gRPC|OTLP/HTTP|page and API) (?:(https?)://)?(.+):(\d+)$", re.M)
CONFIG = {
    "cluster": "test",
    "ports": {"otlp_grpc": 0, "otlp_http": 0, "api": 0},
    "discover": {"kubernetes": "off", "engines": "off"},
    "nccl": {"socket": "off"},
}
# Nothing of the caller's environment may point a command at another server.
CLEAN = {k: v for k, v in os.environ.items() if k not in ("STRATA_URL", "STRATA_TOKEN")}


def wait_for(ask, patience_s, what, pause_s=0.1):
    """The first true answer of `ask`; fails with the last false one."""
    end, answer = time.monotonic() + patience_s, None
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {patience_s} s; last answer {answer!r}")
        time.sleep(pause_s)


def run(*words, env=None, timeout=60, stdin=None, cwd=ROOT):
    """One command of the program to its end."""
    return subprocess.run(
        [str(STRATA), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        input=stdin,
        cwd=cwd,
        env={**CLEAN, **(env or {})},
    )


def children(pid):
    out = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        if int(fields[1]) == pid:
            out.append(int(path.parent.name))
    return out


class Strata:
    def __init__(self, folder, command="server", config=None, args=(), env=None, data=None):
        self.folder = pathlib.Path(folder)
        self.data = pathlib.Path(data or self.folder / "data")
        self.command, self.args, self.env = command, list(args), env or {}
        self.config = {**CONFIG, "store": {"path": str(self.data)}, **(config or {})}
        self.log = self.folder / "strata.log"
        self.process, self.ports, self.scheme, self.host = None, {}, "http", "127.0.0.1"
        self.session = requests.Session()

    # ---- life

    def spawn(self):
        """The process, without waiting for it."""
        file = self.folder / "strata.yaml"
        file.write_text(yaml.safe_dump(self.config, sort_keys=False))
        self._from = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(STRATA), self.command, "--config", str(file), *map(str, self.args)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={**CLEAN, **self.env},
                start_new_session=True,
            )
        return self

    def start(self, ready=True):
        self.spawn()
        wait_for(self._ports_printed, START_S, "ports on stderr")
        if ready:
            wait_for(self.is_ready, START_S, "/readyz")
        return self

    def said(self):
        with open(self.log, "rb") as log:
            log.seek(self._from)
            return log.read().decode(errors="replace")

    def _ports_printed(self):
        if self.process.poll() is not None:
            raise AssertionError(f"strata {self.command} ended ({self.process.returncode}): {self.said()[-3000:]}")
        found = {what: (scheme, host, int(port)) for what, scheme, host, port in PORT_LINE.findall(self.said())}
        if len(found) < 3:
            return False
        self.scheme = found["page and API"][0]
        self.host = found["page and API"][1].replace("0.0.0.0", "127.0.0.1")
        self.ports = {
            "otlp_grpc": found["OTLP/gRPC"][2],
            "otlp_http": found["OTLP/HTTP"][2],
            "api": found["page and API"][2],
        }
        return True

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"strata {self.command} ended ({self.process.returncode}): {self.said()[-3000:]}")
        try:
            return self.session.get(self.url + "/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def keep_ports(self):
        """The same ports after the next start."""
        self.config["ports"] = dict(self.ports)

    def kill(self):
        """As the power cord would: no warning."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, patience_s=30):
        """SIGTERM; the exit code. What does not end is killed and fails."""
        if self.process is None:
            return None
        late = False
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(patience_s)
            except subprocess.TimeoutExpired:
                late = True
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # the engine child, should it have been left
        except ProcessLookupError:
            pass
        self.process.wait()
        if late:
            raise AssertionError(f"did not end within {patience_s} s of SIGTERM: {self.said()[-2000:]}")
        return self.process.returncode

    def engine_pid(self):
        for pid in children(self.process.pid):
            try:
                words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if len(words) > 1 and words[1] == b"engine":
                return pid
        return None

    # ---- addresses

    @property
    def url(self):
        return f"{self.scheme}://{self.host}:{self.ports['api']}"

    @property
    def otlp(self):
        return f"{self.scheme}://{self.host}:{self.ports['otlp_http']}"

    @property
    def grpc(self):
        return f"{self.host}:{self.ports['otlp_grpc']}"

    # ---- questions

    def get(self, path, expect=200, **query):
        try:
            answer = self.session.get(f"{self.url}/api/v1/{path}", params=query, timeout=60)
        except requests.ConnectionError as e:
            assert self.alive(), f"strata ended ({self.process.returncode}): {self.said()[-2000:]}"
            raise AssertionError(f"{path}: the server does not answer: {e}") from None
        assert answer.status_code == expect, f"{path} {query}: {answer.status_code} {answer.text[:800]}"
        return answer.json()

    def status(self):
        return self.get("status")

    def refused(self, reason):
        return self.status()["ingest"]["refused"].get(reason, 0)

    def sql(self, query):
        """Rows as dicts, over POST /api/v1/sql."""
        answer = self.session.post(f"{self.url}/api/v1/sql", params={"format": "JSONEachRow"}, data=query.encode(), timeout=60)
        assert answer.status_code == 200, f"{query}: {answer.status_code} {answer.text[:800]}"
        return [json.loads(line) for line in answer.text.splitlines() if line]

    def one(self, query):
        """The only column of the only row. 64-bit integers come as text or number: made int."""
        (row,) = self.sql(query)
        (value,) = row.values()
        return int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value

    def rows(self, query, n, patience_s=15):
        """The rows of a query, once there are at least n."""
        return wait_for(lambda: (r := self.sql(query)) and len(r) >= n and r, patience_s, query, 0.2)

    def run(self, *words, **options):
        options["env"] = {"STRATA_URL": self.url, **options.get("env", {})}
        return run(*words, **options)
