# SPDX-License-Identifier: Apache-2.0
"""The NCCL profiler plugin as it is shipped, in a process of its own, to `strata up` and into the table."""

import os
import subprocess
import sys

import pytest

import program
from program import STRATA, wait_for

PLUGIN = STRATA.resolve().parent / "libnccl-profiler-strata.so"
JOB = program.ROOT / "tests" / "program" / "nccl_job.py"


def job(socket, rank, collectives=20):
    env = {**os.environ, "STRATA_NCCL_SOCKET": str(socket), "STRATA_NCCL_OPEN_MS": "500"}
    return subprocess.Popen([sys.executable, JOB, PLUGIN, str(collectives), str(rank)], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_from_the_job_to_the_table(tmp_path):
    if not PLUGIN.exists():
        pytest.fail(f"{PLUGIN} is not there: it is built with the program")
    socket = tmp_path / "run" / "nccl.sock"
    strata = program.Strata(tmp_path, command="up", config={"nccl": {"socket": str(socket)}}).start()
    jobs = []
    try:
        wait_for(socket.exists, 20, "the agent's socket")
        assert socket.stat().st_mode & 0o777 == 0o600
        jobs = [job(socket, rank) for rank in (0, 1)]
        for j in jobs:
            assert j.stdout.readline() == "running\n"

        def rows():
            return strata.one("SELECT count() AS n FROM collectives WHERE communicator = '0x5eed' AND state = 'done'") == 40

        wait_for(rows, 30, "rows of both ranks")
        done = strata.sql("SELECT rank, min(duration_s) AS low, max(duration_s) AS high, min(bytes) AS bytes, any(algorithm) AS a FROM collectives WHERE state = 'done' GROUP BY rank ORDER BY rank")
        assert [int(r["rank"]) for r in done] == [0, 1]
        for r in done:
            assert abs(float(r["low"]) - 250e-6) < 1e-9 and abs(float(r["high"]) - 250e-6) < 1e-9
            assert int(r["bytes"]) == 4 << 20 and r["a"] == "RING"
        # What hangs is seen while it hangs.
        wait_for(lambda: strata.one("SELECT uniqExact(rank) AS n FROM collectives WHERE state = 'open' AND seq = 20") == 2, 30, "the open collective")
        source = next(s for s in strata.status()["layers"][1]["sources"] if s["name"].startswith("nccl plugin"))
        assert source["state"] == "live" and "2 processes" in source["detail"], source
        for j in jobs:
            j.stdin.close()
            assert j.wait(10) == 0
    finally:
        for j in jobs:
            j.kill()
        strata.stop()
    assert not socket.exists()


def test_a_job_without_an_agent_is_untouched(tmp_path):
    lone = job(tmp_path / "nobody.sock", 0)
    assert lone.stdout.readline() == "running\n"
    lone.stdin.close()
    assert lone.wait(10) == 0
