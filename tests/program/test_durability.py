# SPDX-License-Identifier: Apache-2.0
"""What was acknowledged is there, exactly once: through kill -9 of the server and of its engine under load, a second
process on the same data, and a full disk."""

import contextlib
import json
import os
import pathlib
import random
import subprocess
import threading
import time

import pytest
import requests

import otlp
from program import ROOT, STRATA, run, wait_for

SEED = int(os.environ.get("STRATA_SEED", "0")) or random.randrange(1 << 30)


class Sender(threading.Thread):
    """Sends batch after batch, each again with the same id until it is acknowledged. Log records show duplicates (their
    table merges nothing), samples show values."""

    def __init__(self, strata, number, what):
        super().__init__(daemon=True)
        self.strata, self.number, self.what = strata, number, what
        self.acked, self.retries = [], 0
        self.halt = threading.Event()
        self.name_of = otlp.unique(f"durable{number}")

    def batch(self, n):
        at = otlp.now_ns()
        if self.what == "logs":
            return otlp.logs(*[otlp.record(f"{n}", {"batch": str(n), "i": str(i)}, ts=at + i) for i in range(10)], resource={"sender": self.name_of})
        points = [otlp.point(float(n * 10 + i), at + i) for i in range(10)]
        return otlp.metrics(otlp.gauge(self.name_of, *points))

    def run(self):
        n = 0
        while not self.halt.is_set():
            request = self.batch(n)
            while not self.halt.is_set():
                try:
                    answer = otlp.post(self.strata, request, self.what, headers={"x-strata-batch": f"{self.name_of}-{n}"}, timeout=5)
                    if answer.status_code == 200:
                        self.acked.append(n)
                        break
                    assert answer.status_code == 503, answer.text
                except requests.RequestException:
                    pass
                self.retries += 1
                time.sleep(0.1)
            n += 1
            time.sleep(0.005)


def test_kill_at_any_moment(start_strata):
    chance = random.Random(SEED)
    print("seed", SEED)
    strata = start_strata()
    strata.keep_ports()
    senders = [Sender(strata, i, what) for i, what in enumerate(["logs", "metrics", "logs"])]
    for s in senders:
        s.start()
    killed = {"server": 0, "engine": 0}
    for victim in ["server", "engine", "server", "both", "server"]:
        time.sleep(chance.uniform(0.2, 2.5))
        if victim in ("engine", "both") and (pid := strata.engine_pid()):
            os.kill(pid, 9)
            killed["engine"] += 1
        if victim in ("server", "both"):
            strata.kill()
            killed["server"] += 1
            strata.start(ready=False)
    wait_for(strata.is_ready, 60, "ready after the last kill")
    time.sleep(1)
    for s in senders:
        s.halt.set()
    for s in senders:
        s.join(30)
        assert not s.is_alive()
    assert killed == {"server": 4, "engine": 2}
    for s in senders:
        assert len(s.acked) > 20, "the load was no load"
        if s.what == "logs":
            sql = f"SELECT LogAttributes['batch'] AS b, count() AS n, uniqExact(LogAttributes['i']) AS u FROM otel_logs WHERE ResourceAttributes['sender'] = '{s.name_of}' GROUP BY b"
        else:
            sql = f"SELECT toString(intDiv(toInt64(value), 10)) AS b, count() AS n, uniqExact(value) AS u FROM measurements WHERE signal = '{s.name_of}' GROUP BY b"
        wait_for(lambda: len(strata.sql(sql)) >= len(s.acked), 60, f"all acknowledged batches of {s.what}", 0.5)
        got = {int(r["b"]): (int(r["n"]), int(r["u"])) for r in strata.sql(sql)}
        lost = [n for n in s.acked if n not in got]
        wrong = {n: x for n, x in got.items() if x != (10, 10)}
        assert not lost, f"{len(lost)} acknowledged batches lost (seed {SEED})"
        assert not wrong, f"not exactly once (seed {SEED}): {wrong}"
        # One more than acknowledged may be there: written, its answer lost.
        assert len(got) <= len(s.acked) + 1


def test_a_clean_end_keeps_everything(start_strata):
    strata = start_strata()
    strata.keep_ports()
    name = otlp.unique("clean")
    for i in range(50):
        assert otlp.post(strata, otlp.one(name, float(i))).status_code == 200
    assert strata.stop() == 0
    strata.start()
    assert strata.rows(f"SELECT count() AS n, sum(value) AS s FROM measurements WHERE signal = '{name}'", 1)[0]["s"] == sum(range(50))


def test_the_memory_of_batches_outlives_the_process(start_strata):
    strata = start_strata()
    strata.keep_ports()
    body, request = otlp.unique("once"), None
    request = otlp.logs(otlp.record(body))
    head = {"x-strata-batch": otlp.unique("id")}
    assert otlp.post(strata, request, "logs", headers=head).status_code == 200
    strata.kill()
    strata.start()
    assert otlp.post(strata, request, "logs", headers=head).status_code == 200
    assert strata.stop() == 0
    strata.start()
    assert otlp.post(strata, request, "logs", headers=head).status_code == 200
    time.sleep(1)
    assert strata.one(f"SELECT count() AS n FROM otel_logs WHERE Body = '{body}'") == 1


def test_the_engine_comes_back(start_strata):
    strata = start_strata()
    first = strata.engine_pid()
    assert first
    os.kill(first, 9)
    name = otlp.unique("without")
    assert otlp.post(strata, otlp.one(name)).status_code == 200, "ingest does not need the engine"
    wait_for(lambda: strata.engine_pid() not in (None, first), 30, "a new engine")
    wait_for(lambda: strata.is_ready() and strata.status()["engine"]["restarts"] >= 1, 30, "restarts counted")
    strata.rows(f"SELECT value FROM measurements WHERE signal = '{name}'", 1, patience_s=30)


def test_no_engine_is_left_behind(start_strata):
    strata = start_strata()
    engine = strata.engine_pid()
    strata.kill()
    wait_for(lambda: not pathlib.Path(f"/proc/{engine}").exists() or "Z" == pathlib.Path(f"/proc/{engine}/stat").read_text().split()[2], 15, "the end of the orphaned engine")


def test_a_second_process_is_told(start_strata):
    strata = start_strata()
    for command in ("server", "up"):
        (strata.folder / "second.yaml").write_text("ports: {otlp_grpc: 0, otlp_http: 0, api: 0}\n")
        done = run(command, "--config", strata.folder / "second.yaml", "--data", strata.data, timeout=30)
        assert done.returncode == 1
        assert "another strata" in done.stderr and str(strata.process.pid) in done.stderr
    assert strata.is_ready()


def test_a_port_in_use_is_told(strata, tmp_path):
    for key, port in strata.ports.items():
        (tmp_path / "c.yaml").write_text(json.dumps({"ports": {"otlp_grpc": 0, "otlp_http": 0, "api": 0, key: port}, "store": {"path": str(tmp_path / key)}}))
        done = run("server", "--config", tmp_path / "c.yaml", timeout=60)
        assert done.returncode == 1 and f"ports.{key}" in done.stderr, done.stderr


@contextlib.contextmanager
def small_disk(folder, size):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small tmpfs needs root")
def test_disk_full(start_strata, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    with small_disk(disk, "64m"):
        strata = start_strata(data=disk / "data")
        name = otlp.unique("full")
        assert otlp.post(strata, otlp.one(name, 0.0)).status_code == 200
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as f:
            for size in (65536, 512):
                with contextlib.suppress(OSError):
                    while f.write(b"\0" * size) == size:
                        pass
        acked, refused = 1, 0
        for i in range(1, 4000):
            answer = otlp.post(strata, otlp.metrics(otlp.gauge(name, otlp.point(float(i), attrs={"pad": "x" * 1000, "i": str(i)}))))
            if answer.status_code == 200:
                acked += 1
            else:
                assert answer.status_code == 503, answer.text
                assert int(answer.headers["Retry-After"]) > 0
                refused += 1
                if refused == 20:
                    break
        assert refused == 20, "the disk was never full"
        assert strata.alive() and requests.get(f"{strata.url}/healthz", timeout=10).status_code == 200
        assert strata.status()["ingest"]["refused"], "the refusals are counted"
        filler.unlink()
        wait_for(lambda: otlp.post(strata, otlp.one(name, -1.0)).status_code == 200, 30, "taking again once there is space")
        acked += 1
        wait_for(lambda: strata.is_ready(), 60, "ready again")
        wait_for(
            lambda: strata.session.post(f"{strata.url}/api/v1/sql", params={"format": "TSV"}, data=f"SELECT count() FROM measurements WHERE signal = '{name}'", timeout=60).text.strip() == str(acked),
            60,
            f"all {acked} acknowledged samples",
            1,
        )
        strata.stop()


def test_engine_ends_cleanly(tmp_path):
    """After queries of several settings, whose connections it keeps, the engine ends by itself with 0, not by a signal."""
    socket = tmp_path / "engine.sock"
    library = os.environ.get("STRATA_CHDB", str(ROOT / "build" / "chdb" / "libchdb.so"))
    engine = subprocess.Popen([STRATA, "engine", "--path", tmp_path / "data", "--socket", socket, "--library", library, "--no-stdin"])
    try:
        ask = ["curl", "-sf", "--unix-socket", socket, "http://engine/?query=SELECT+1"]
        wait_for(lambda: subprocess.run(ask, capture_output=True).stdout == b"1\n", 30, "the engine answers")
        limited = [*ask[:-1], ask[-1] + "&max_threads=1"]
        assert subprocess.run(limited, capture_output=True).stdout == b"1\n"
        engine.terminate()
        assert engine.wait(20) == 0
    finally:
        engine.kill()
