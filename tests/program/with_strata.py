# SPDX-License-Identifier: Apache-2.0
"""Runs a command with a strata beside it, STRATA_URL set: `python tests/program/with_strata.py node --test tests/e2e/`.
It is `strata up` with the recorded world, and the command starts when the status shows replayed layers and the world's
ledger stands. The exit code is the command's."""

import os
import subprocess
import sys
import tempfile

from program import ROOT, Strata, wait_for

REPLAYED = {"l1_gpu", "l2_comm", "l5_train", "l6_infer", "l7_genai"}


def main(command):
    if not command:
        print("usage: with_strata.py COMMAND…", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="strata-") as folder:
        strata = Strata(
            folder,
            command="up",
            args=["--replay", ROOT / "worlds" / "demo"],
            config={"prices": {"cpu_core_usd_per_hour": "0.032"}, "slo": [{"model": "*", "ttft": "2s"}]},
        )
        try:
            strata.start()
            wait_for(
                lambda: REPLAYED <= {x["layer"] for x in strata.status()["layers"] if x["state"] == "replayed"},
                90,
                "replayed layers in the status",
                0.5,
            )
            books = "SELECT uniqExact(minute) AS n FROM ledger WHERE origin = 'demo'"
            wait_for(lambda: strata.one(books) >= 25, 120, "a ledger of the world's first pass", 1)
            return subprocess.run(command, env={**os.environ, "STRATA_URL": strata.url}).returncode
        finally:
            strata.stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
