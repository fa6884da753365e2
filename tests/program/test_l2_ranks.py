# SPDX-License-Identifier: Apache-2.0
"""Eight ranks on two machines send their collectives: one computes slower than its peers; in another job two ranks never
enter a collective, which is said while it hangs, once, and once more when it is over."""

import random
import time

import otlp
import pytest
from program import Strata, wait_for

RANKS, PER_NODE = 8, 4
MINUTE = 60 * 10**9


def collective(communicator, seq, rank, start_ns, duration_s=None, operation="AllReduce", size=1 << 20):
    attrs = {
        "communicator": communicator,
        "seq": seq,
        "operation": operation,
        "bytes": size,
        "rank": rank,
        "nranks": RANKS,
        "gpu": f"GPU-{communicator}-{rank}",
        "node": f"{communicator}-n{rank // PER_NODE}",
        "start": int(start_ns),
        "state": "open" if duration_s is None else "done",
    }
    if duration_s is not None:
        attrs["duration_s"] = duration_s
    return otlp.record("", attrs, event="strata.collective", ts=int(start_ns))


def steps(communicator, from_ns, to_ns, late_rank=None, late_s=0.0, first_seq=0):
    """A step a second: each rank arrives within 2 ms of its peers, the clocks of the two machines are 3 s apart."""
    rng, out = random.Random(7), []
    for seq, at in enumerate(range(int(from_ns), int(to_ns), 10**9), first_seq):
        arrived = [rng.uniform(0, 0.002) + (late_s if r == late_rank else 0) for r in range(RANKS)]
        end = max(arrived) + 0.004
        for rank, a in enumerate(arrived):
            clock = 3_000_000_000 if rank >= PER_NODE else 0
            out.append(collective(communicator, seq, rank, at + a * 1e9 + clock, end - a))
    return out


def send(strata, records):
    for i in range(0, len(records), 2000):
        answer = otlp.post(strata, otlp.logs(*records[i : i + 2000]), what="logs")
        assert answer.status_code == 200, answer.text


def events(strata, name, communicator):
    return strata.sql(
        f"SELECT event, severity, message, attributes, toUnixTimestamp(ts) AS t FROM events WHERE event = '{name}' "
        f"AND entity_type = 'communicator' AND entity = '{communicator}' ORDER BY ts"
    )


@pytest.fixture(scope="module")
def strata(tmp_path_factory):
    """A server of its own: one test starts it anew."""
    made = Strata(tmp_path_factory.mktemp("ranks")).start()
    yield made
    assert made.stop() == 0


def test_a_slow_rank_is_named(strata):
    """Rank 5, 200 ms late in each step of the last minutes that are over."""
    communicator = otlp.unique("slow")
    now = time.time_ns()
    to = now // MINUTE * MINUTE - 30 * 10**9  # three whole minutes are closed by the next look
    to = to // MINUTE * MINUTE
    begin = to - 12 * MINUTE
    send(strata, steps(communicator, begin, to - 3 * MINUTE))
    send(strata, steps(communicator, to - 3 * MINUTE, to, late_rank=5, late_s=0.2, first_seq=10_000))

    ranks = strata.rows(
        "SELECT rank, node, gpu, lateness_mean_s, wait_mean_s, last_ratio, lost_s, compute_late_ratio, clock_offset_s, lateness_deviation "
        f"FROM comm_minute WHERE communicator = '{communicator}' AND rank = '5' AND compute_late_ratio > 0 ORDER BY minute",
        2,
        150,
    )
    for row in ranks:
        assert row["node"] == f"{communicator}-n1" and row["gpu"] == f"GPU-{communicator}-5"
        # The second machine is 3 s ahead: three of the sixty collectives fall into two minutes.
        assert 0.18 < row["lateness_mean_s"] < 0.21 and row["wait_mean_s"] < 0.001
        assert row["last_ratio"] > 0.9 and 0.15 < row["compute_late_ratio"] < 0.25
        assert row["lateness_deviation"] > 5
    others = strata.sql(
        f"SELECT max(compute_late_ratio) AS late, min(wait_mean_s) AS wait FROM comm_minute WHERE communicator = '{communicator}' "
        f"AND rank NOT IN ('', '5') AND minute >= toDateTime({to // 10**9 - 180})"
    )[0]
    assert others["late"] == 0 and others["wait"] > 0.17, "a long duration is a wait, not a fault"
    whole = strata.sql(
        "SELECT straggler_kind, straggler_rank, straggler_gpu, straggler_node, straggler_peer, hang_state, transfer_p50_s, transfer_busbw, "
        f"clocks_aligned_ratio, hung_s FROM comm_minute WHERE communicator = '{communicator}' AND rank = '' ORDER BY minute"
    )
    assert [w["straggler_rank"] for w in whole[:9]] == [None] * 9, whole
    last = [w for w in whole if w["straggler_rank"]][-1]
    assert last["straggler_kind"] == "compute" and last["straggler_rank"] == "5"
    assert last["straggler_gpu"] == f"GPU-{communicator}-5" and last["straggler_node"] == f"{communicator}-n1"
    assert last["straggler_peer"] is None and last["hang_state"] is None and last["hung_s"] is None
    assert 0.0039 < last["transfer_p50_s"] < 0.0041 and last["clocks_aligned_ratio"] == 1
    assert 0.99 < last["transfer_busbw"] / ((1 << 20) / 0.004 * 2 * 7 / 8) < 1.01
    offsets = strata.sql(
        f"SELECT node, avg(clock_offset_s) AS o FROM comm_minute WHERE communicator = '{communicator}' AND rank != '' GROUP BY node ORDER BY node"
    )
    assert abs(offsets[1]["o"] - offsets[0]["o"] - 3) < 0.001, offsets

    told = wait_for(lambda: events(strata, "comm.straggler", communicator), 60, "comm.straggler")
    assert len(told) == 1, told
    a = told[0]["attributes"]
    assert (a["state"], a["kind"], a["rank"], a["node"]) == ("open", "compute", "5", f"{communicator}-n1")
    assert "rank 5" in told[0]["message"] and f"GPU-{communicator}-5" in told[0]["message"]

    why = strata.get("why", entity=communicator, at=to // 10**9 - 1)
    assert why["verdict"] == "l2.compute_straggler", why
    assert any(line["entity"] == f"{communicator}/5" for line in why["causes"][0]["evidence"]), why["causes"][0]
    done = strata.run("why", "--entity", communicator, "--at", to // 10**9 - 1, "--json")
    assert done.returncode == 0 and '"l2.compute_straggler"' in done.stdout and f"rank 5 on {communicator}-n1" in done.stdout


def test_missing_ranks_are_named_while_it_hangs(strata):
    communicator = otlp.unique("hang")
    now = time.time_ns()
    send(strata, steps(communicator, now - 90 * 10**9, now - 40 * 10**9))
    seq, start = 50, now - 35 * 10**9
    waiting = [r for r in range(RANKS) if r not in (2, 6)]
    send(strata, [collective(communicator, seq, r, start + r * 10**5) for r in waiting])
    begun = time.monotonic()
    told = wait_for(lambda: events(strata, "comm.hang", communicator), 30, "comm.hang", 0.5)
    assert time.monotonic() - begun < 25, "named while it hangs"
    assert len(told) == 1 and told[0]["severity"] == "error"
    a = told[0]["attributes"]
    assert (a["state"], a["kind"], a["ranks"], a["operation"], a["seq"]) == ("open", "missing", "2, 6", "AllReduce", str(seq))
    assert a["gpu"] == f"GPU-{communicator}-2" and a["node"] == f"{communicator}-n0" and a["waiting"] == "6"
    assert "no sign of ranks 2, 6" in told[0]["message"]

    def verdict():
        done = strata.run("why", "--entity", communicator, "--json")
        assert done.returncode == 0, done.stderr
        return '"verdict": "l2.hang_desync"' in done.stdout.replace('"verdict":"', '"verdict": "') and done.stdout

    answer = wait_for(verdict, 30, "why names the hang", 1)
    assert "no sign of ranks 2, 6" in answer, answer

    # A second later, and a minute later, it is still the same one incident.
    rows = strata.rows(
        "SELECT minute, hung_s, hang_state, hang_kind, hang_ranks FROM comm_minute WHERE "
        f"communicator = '{communicator}' AND rank = '' AND hung_s > 0 ORDER BY minute",
        1,
        150,
    )
    assert (rows[-1]["hang_state"], rows[-1]["hang_kind"], rows[-1]["hang_ranks"]) == ("open", "missing", "2, 6")
    missing = strata.sql(
        f"SELECT DISTINCT rank, node FROM comm_minute WHERE communicator = '{communicator}' AND rank != '' AND hung_s > 0 ORDER BY rank"
    )
    assert [m["rank"] for m in missing] == ["2", "6"] and missing[0]["node"] == f"{communicator}-n0"
    assert len(events(strata, "comm.hang", communicator)) == 1

    # They come after all, and it ends.
    gone = (time.time_ns() - start) / 1e9
    send(strata, [collective(communicator, seq, r, start, gone) for r in waiting])
    send(strata, [collective(communicator, seq, r, time.time_ns() - 10**7, 0.01) for r in (2, 6)])
    told = wait_for(lambda: (e := events(strata, "comm.hang", communicator)) and len(e) == 2 and e, 30, "the end of it")
    assert told[1]["attributes"]["state"] == "closed" and told[1]["severity"] == "info"
    assert told[1]["attributes"]["incident"] == told[0]["attributes"]["incident"]


def test_a_rank_in_another_collective_is_named_across_a_restart(strata):
    communicator = otlp.unique("desync")
    start = time.time_ns() - 35 * 10**9
    send(strata, steps(communicator, start - 20 * 10**9, start - 10**9))
    send(
        strata,
        [
            collective(communicator, 19, r, start) if r != 3 else collective(communicator, 19, r, start, operation="AllGather")
            for r in range(RANKS)
        ],
    )
    (told,) = wait_for(lambda: events(strata, "comm.hang", communicator), 30, "comm.hang", 0.5)
    assert told["attributes"]["kind"] == "desync" and told["attributes"]["ranks"] == "3", told
    assert "rank 3 is in AllGather 19" in told["message"]
    strata.keep_ports()
    assert strata.stop() == 0
    strata.start()
    time.sleep(12)  # long enough to be told again, were it forgotten
    assert len(events(strata, "comm.hang", communicator)) == 1
    send(strata, [collective(communicator, 19, r, start, 40.0) for r in range(RANKS)])
    told = wait_for(lambda: (e := events(strata, "comm.hang", communicator)) and len(e) == 2 and e, 30, "the end of it")
    assert told[1]["attributes"]["state"] == "closed"


def test_ranks_beyond_all_measure_are_refused_and_counted(strata):
    communicator, start = otlp.unique("huge"), time.time_ns() - 35 * 10**9
    before = strata.refused("oversize")
    rows = [collective(communicator, 1, 999_999, start)]
    rows[0]["attributes"] = [a if a["key"] != "nranks" else {"key": "nranks", "value": {"intValue": "1000000"}} for a in rows[0]["attributes"]]
    send(strata, rows)
    wait_for(lambda: strata.refused("oversize") > before, 15, "counted")
    assert not events(strata, "comm.hang", communicator)
