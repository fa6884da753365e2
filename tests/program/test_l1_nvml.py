# SPDX-License-Identifier: Apache-2.0
"""`strata up` on a machine that looks as if it had GPUs: the agent loads the fake libnvidia-ml of tests/fakes/nvml, which
plays a script. A partitioned device, an Xid storm, a device that drops off, a call that hangs."""

import json
import os
import pathlib
import re

import pytest

from program import ROOT, run, wait_for

FAKE = pathlib.Path(os.environ.get("STRATA_FAKE_NVML") or ROOT / "build" / "release" / "fake_nvml" / "libnvidia-ml.so.1")
PROFILES = ROOT / "tests" / "fakes" / "nvml" / "profiles"

BAD_DAY = """
driver: 590.48.01
devices:
  - {uuid: GPU-quiet, name: NVIDIA H100, memory: {total: 1000, used: 1}, values: {power_mw: 70000, temperature: 30}}
  - uuid: GPU-storm
    name: NVIDIA H100
    pci: 00000000:18:00.0
    memory: {total: 1000, used: 1}
    values: {power_mw: 70000}
    xids: [{while: storm, code: 94}, {while: storm, code: 94}, {while: storm, code: 94}, {while: storm, code: 48}]
  - {uuid: GPU-lost, name: NVIDIA H100, memory: {total: 1000, used: 1}, values: {power_mw: 70000}, lost: {while: gone, vanish: true}}
  - uuid: GPU-hung
    name: NVIDIA H100
    memory: {total: 1000, used: 1}
    values: {power_mw: 70000, temperature: 31}
    calls: {nvmlDeviceGetTemperature: {hang: true, while: stuck}}
"""


@pytest.fixture
def gpu_machine(start_strata):
    assert FAKE.exists(), f"{FAKE} is not there: tools/build release fake_nvml"

    def make(script, minutes=None, **nvml):
        return start_strata(
            command="up",
            config={
                "agent": {"interval": "1s"},
                "nvml": {"library": str(FAKE), "interval": "500ms", "deadline": "1s", **nvml},
                **({"minutes": minutes} if minutes else {}),
            },
            env={"STRATA_FAKE_NVML_SCRIPT": str(script)},
        )

    return make


def layer(strata):
    """L1 of `strata status --json`."""
    done = strata.run("status", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["layers"][0]


def source(strata, name):
    return next((s for s in layer(strata)["sources"] if s["name"] == name), {"state": "not told", "detail": ""})


def becomes(strata, name, state):
    return wait_for(lambda: (s := source(strata, name))["state"] == state and s, 30, f"{name} {state}", 0.5)


def sql(strata, query):
    done = strata.run("sql", query, "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def rows(strata, query, n=1):
    return wait_for(lambda: len(found := sql(strata, query)) >= n and found, 30, query, 0.5)


def test_a_partitioned_device(gpu_machine):
    strata = gpu_machine(PROFILES / "h100-mig.yaml")
    gpu = "GPU-00000000-0000-0000-0000-000000000000"
    found = rows(strata, "SELECT entity, max(value) AS v FROM measurements WHERE signal = 'gpu.sm.active' GROUP BY entity ORDER BY entity", 4)
    assert {r["entity"]: round(r["v"], 3) for r in found} == {gpu: 0.42, gpu + "/1": 0.98, gpu + "/9": 0, gpu + "/11": 0.08}
    entities = rows(strata, "SELECT id, attributes FROM entities WHERE type = 'gpu' AND id LIKE '%/%'", 3)
    for entity in entities:
        assert entity["attributes"]["hw.parent"] == gpu
        assert entity["attributes"]["gpu.mig.uuid"].startswith("MIG-11111111-")
    assert {e["attributes"]["gpu.mig.profile"] for e in entities} == {"3g.40gb", "1g.10gb"}
    used = rows(strata, "SELECT entity, any(value) AS v FROM measurements WHERE signal = 'gpu.memory.used' GROUP BY entity", 4)
    assert {r["entity"]: r["v"] for r in used}[gpu + "/1"] == 7847542784
    held = rows(strata, "SELECT entity, attributes FROM measurements WHERE signal = 'gpu.process.memory' AND value > 7e9 LIMIT 1")[0]
    assert held["entity"] == gpu + "/1" and held["attributes"]["process.pid"] == "21198"
    assert held["attributes"]["process.executable.name"] == "gpu_burn"
    l1 = layer(strata)
    assert l1["state"] == "live" and l1["entities"] == 4
    measured = {s["signal"] for s in l1["signals"] if s["state"] == "measured"}
    assert {"gpu.sm.occupancy", "gpu.tensor.active", "gpu.memory.bandwidth.utilization", "gpu.energy", "gpu.ecc.errors"} <= measured
    assert "gpu.encoder.utilization" not in measured, "absent, not 0"
    device = becomes(strata, "nvml " + gpu, "live")
    assert "gpu.encoder.utilization" in device["detail"] and "(not told while MIG is on)" in device["detail"]


def test_xids_a_loss_and_a_hung_call(gpu_machine, tmp_path):
    script = tmp_path / "bad_day.yaml"
    script.write_text(BAD_DAY)
    strata = gpu_machine(script)
    for gpu in ("quiet", "storm", "lost", "hung"):
        becomes(strata, f"nvml GPU-{gpu}", "live")

    (tmp_path / "storm").touch()
    found = rows(strata, "SELECT entity, severity, message, attributes FROM events WHERE event = 'gpu.fault.event'", 4)
    assert {r["entity"] for r in found} == {"GPU-storm"}
    assert sorted(r["attributes"]["code"] for r in found) == ["48", "94", "94", "94"], "the same code thrice is three events"
    worst = next(r for r in found if r["attributes"]["code"] == "48")
    assert worst["severity"] == "error" and worst["attributes"]["action"] == "follow_ecc_flow"
    assert worst["message"].startswith("Xid 48 on NVIDIA H100 (00000000:18:00.0): Uncorrectable (double-bit) ECC error;")

    (tmp_path / "gone").touch()
    lost = becomes(strata, "nvml GPU-lost", "failed")
    assert lost["detail"] == "the GPU is lost: it has fallen off the bus; reboot the node"
    off = rows(strata, "SELECT entity, attributes FROM events WHERE event = 'gpu.fault.event' AND entity = 'GPU-lost'")
    assert [(r["attributes"]["code"], r["attributes"]["inferred"]) for r in off] == [("79", "GPU_IS_LOST")]

    (tmp_path / "stuck").touch()
    # Its reading is late before the call counts as hung.
    hung = wait_for(lambda: "has not returned" in (s := source(strata, "nvml GPU-hung"))["detail"] and s, 30, "the hung call is told", 0.5)
    assert hung["state"] == "stale" and hung["detail"].startswith("nvmlDeviceGetTemperature has not returned for "), hung
    assert source(strata, "nvml")["state"] == "live", "one device hangs, not the library"
    count = "SELECT count() AS n FROM measurements WHERE signal = 'gpu.power' AND entity = '{}'"
    quiet, still = (int(sql(strata, count.format(e))[0]["n"]) for e in ("GPU-quiet", "GPU-lost"))
    wait_for(lambda: int(sql(strata, count.format("GPU-quiet"))[0]["n"]) > quiet + 3, 30, "the others go on", 0.5)
    assert int(sql(strata, count.format("GPU-lost"))[0]["n"]) <= still + 1, "nothing is told of a lost device, above all no 0"
    assert sql(strata, "SELECT count() AS n FROM measurements WHERE signal = 'gpu.power' AND value = 0")[0]["n"] in (0, "0")

    (tmp_path / "stuck").unlink()
    becomes(strata, "nvml GPU-hung", "live")
    strata.stop()  # fails when the end waits for the driver


def test_what_follows_from_a_minute(gpu_machine):
    strata = gpu_machine(PROFILES / "h100x8-load.yaml", minutes={"lateness": "3s"}, interval="1s", deadline="5s")
    query = """SELECT gpu, state, state_rule, peak_grade, memory_bytes_per_s, memory_bandwidth_ratio, tensor_flops_bound, tensor_active_ratio,
      pcie_degraded, temperature_slope_c_per_min AS slope FROM gpu_minute ORDER BY minute, gpu"""
    found = wait_for(lambda: len(r := sql(strata, query)) >= 8 and r, 90, "a closed minute", 1)
    assert len({r["gpu"] for r in found}) == 8
    for r in found:
        assert r["state"] == "computing" and r["peak_grade"] == "A", r
        assert r["state_rule"] == "the tensor pipes were busy for 15 % of the time or more"
        assert r["memory_bytes_per_s"] == pytest.approx(r["memory_bandwidth_ratio"] * 3350e9) and r["memory_bytes_per_s"] > 1e12
        assert r["tensor_flops_bound"] == pytest.approx(r["tensor_active_ratio"] * 989e12) and r["tensor_flops_bound"] > 7e14
        assert r["pcie_degraded"] == 0
    slopes = [r["slope"] for r in found if r["slope"] is not None]  # NULL where the minute held less than 20 s
    assert all(0 <= slope < 12 for slope in slopes), slopes


BROKEN_AND_IDLE = """
driver: 590.48.01
devices:
  - {uuid: GPU-lost, name: NVIDIA H100, memory: {total: 1000, used: 1}, values: {power_mw: 70000}, lost: {while: gone, vanish: true}}
  - uuid: GPU-hung
    name: NVIDIA H100
    memory: {total: 1000, used: 1}
    values: {power_mw: 70000, temperature: 31}
    calls: {nvmlDeviceGetTemperature: {hang: true, while: gone}}
  - uuid: GPU-ecc
    name: NVIDIA H100
    memory: {total: 1000, used: 1}
    values: {power_mw: 70000}
    xids: [{while: gone, code: 94}]
  - {uuid: GPU-hot, name: NVIDIA H100, memory: {total: 1000, used: 1}, values: {power_mw: 70000, temperature: 95, reasons: [hw_thermal]}}
"""


def why(strata, *more):
    done = strata.run("why", "--json", *more)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_faults_on_an_idle_machine_are_no_health(gpu_machine, tmp_path):
    script = tmp_path / "idle.yaml"
    script.write_text(BROKEN_AND_IDLE)
    strata = gpu_machine(script)
    for gpu in ("lost", "hung", "ecc", "hot"):
        becomes(strata, f"nvml GPU-{gpu}", "live")
    assert "troubled" not in layer(strata)

    (tmp_path / "gone").touch()
    becomes(strata, "nvml GPU-lost", "failed")
    # The others are late for a moment, until another thread reads them.
    troubled = wait_for(lambda: (t := layer(strata).get("troubled", "")).startswith("1 failed, 1 stale: ") and "has not returned" in t and t, 30, "the layer tells of both", 0.5)
    assert layer(strata)["state"] == "live"
    assert troubled.startswith("1 failed, 1 stale: nvml GPU-lost: the GPU is lost"), troubled
    assert "; nvml GPU-hung: nvmlDeviceGetTemperature has not returned for" in troubled
    for command in (["status"], ["top", "--once"]):
        assert "1 failed, 1 stale: nvml GPU-lost: the GPU is lost" in strata.run(*command).stdout
    assert strata.run("doctor").returncode == 1

    told = wait_for(lambda: len((w := why(strata))["causes"]) >= 3 and w, 150, "all three causes", 2)
    causes = {(c["cause"], c["entity"]) for c in told["causes"]}
    assert causes == {("l1.gpu_off_bus", "GPU-lost"), ("l1.ecc_uncorrectable", "GPU-ecc"), ("l1.thermal_throttle", "GPU-hot")}
    assert {(s["symptom"], s["entity"]) for s in told["symptoms"]} == {
        ("gpu_fault", "GPU-lost"), ("gpu_fault", "GPU-ecc"), ("gpu_throttled", "GPU-hot")}
    assert why(strata, "--entity", "gpu:GPU-ecc")["verdict"] == "l1.ecc_uncorrectable"
    assert why(strata, "--entity", "gpu:GPU-hot")["verdict"] == "l1.thermal_throttle"
    # The value of a lost GPU stands with its age, that of a well one without.
    top = wait_for(lambda: (out := strata.run("top", "--once").stdout).count(" old\n") and out, 75, "an old value is marked", 2)
    print(top)
    marked = [line for line in top.splitlines() if re.search(r" \S+ old$", line)]
    assert any("gpu:GPU-lost" in line for line in marked) and not any("gpu:GPU-hot" in line for line in marked), top


def test_the_end_waits_for_no_driver(gpu_machine, tmp_path):
    script = tmp_path / "stuck.yaml"
    script.write_text("calls: {nvmlDeviceGetName: {hang: true}}\ndevices: [{uuid: GPU-0, name: x}]\n")
    strata = gpu_machine(script)
    stale = becomes(strata, "nvml", "stale")
    assert stale["detail"].startswith("nvmlDeviceGetName has not returned for ")
    assert strata.stop() == 0


def test_a_wrong_library_is_refused_with_a_hint(tmp_path):
    config = tmp_path / "strata.yaml"
    config.write_text("nvml:\n  library: nvidia\n")
    done = run("server", "--check", "--config", config)
    assert done.returncode == 1
    assert f'{config}:2: nvml.library: "nvidia" is no shared library; expected libnvidia-ml.so.1' in done.stderr


def test_a_library_that_is_not_there_is_absent(gpu_machine, tmp_path):
    missing = str(tmp_path / "libnvidia-ml.so.1")
    strata = gpu_machine("none", library=missing)
    absent = becomes(strata, "nvml", "absent")
    assert absent["detail"] == missing + " not found"
    l1 = layer(strata)
    assert l1["state"] == "absent" and f"nvml: {missing} not found" in l1["why"]
