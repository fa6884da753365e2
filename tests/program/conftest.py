# SPDX-License-Identifier: Apache-2.0
"""Fixtures: `strata` (one server for the whole run), `world` (one `strata up` with the recorded world), `start_strata`
(as many more as a test wants; they end with it)."""

import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import program  # noqa: E402
from program import ROOT, STRATA, Strata, wait_for  # noqa: E402


def pytest_sessionstart(session):
    if not STRATA.exists():
        pytest.exit(f"{STRATA} is not there: make build", 2)


@pytest.fixture(scope="session")
def strata(tmp_path_factory):
    made = Strata(tmp_path_factory.mktemp("strata")).start()
    yield made
    assert made.stop() == 0


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """`strata up` with worlds/demo replayed: its first pass is in the store and its minutes are in the ledger."""
    made = Strata(
        tmp_path_factory.mktemp("world"),
        command="up",
        args=["--replay", ROOT / "worlds" / "demo"],
        config={"prices": {"cpu_core_usd_per_hour": "0.032"}, "slo": [{"model": "*", "ttft": "2s"}]},
    ).start()
    try:
        books = "SELECT uniqExact(minute) AS n FROM ledger WHERE origin = 'demo'"
        wait_for(lambda: made.one(books) >= 25, 120, "a ledger of the world's first pass", 1)
        wait_for(lambda: made.status()["layers"][7]["state"] != "absent", 30, "L8 in the status")
        yield made
        code = made.stop()
    finally:
        made.stop()
    assert code == 0


@pytest.fixture
def start_strata(tmp_path_factory):
    made = []

    def make(config=None, **options):
        start = options.pop("start", True)
        made.append(Strata(tmp_path_factory.mktemp("strata"), config=config, **options))
        return made[-1].start() if start else made[-1]

    yield make
    for one in made:
        one.stop()
