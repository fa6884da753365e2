# SPDX-License-Identifier: Apache-2.0
"""strata read on what people keep of GPUs: kernel logs and what nvidia-smi and rocm-smi print, told apart by content."""

import json

import pytest

from program import ROOT, run

FILES = ROOT / "tests" / "golden" / "l1_gpu"


def read(*words, stdin=None):
    done = run("read", "--json", *words, stdin=stdin)
    lines = [json.loads(x) for x in done.stdout.splitlines()]
    return done, [x for x in lines if "report" not in x], [x for x in lines if "report" in x]


def values(lines, signal, **attributes):
    return [x["value"] for x in lines if x.get("signal") == signal and all(x["attributes"].get(k.replace("__", ".")) == v for k, v in attributes.items())]


def test_xids_of_a_kernel_log():
    done, lines, reports = read(FILES / "kernel/dmesg-xid-119.log")
    assert done.returncode == 0, done.stderr
    assert [x["attributes"]["code"] for x in lines] == ["119"] * 5
    assert {x["entity"]["id"] for x in lines} == {"GPU-509665ad-b600-ac93-3616-d754b23d636d"}
    assert {x["event"] for x in lines} == {"gpu.fault.event"} and all(x["attributes"]["action"] for x in lines)
    assert reports[-1]["xids"] == {"119": 5}


@pytest.mark.parametrize("name, events", [("kmsg-nvswitch.log", 0), ("kmsg-peermem-error.log", 7), ("libnccl-segfault-dmesg.log", 2), ("fabricmanager.log", 1)])
def test_events_of_other_logs(name, events):
    done, lines, reports = read(FILES / "kernel" / name)
    assert done.returncode == 0 and len(lines) == events and reports[-1]["report"] == "kmsg"


def test_kernel_log_from_standard_input_and_by_name():
    text = "[Sun Feb 23 16:24:18 2025] NVRM: Xid (PCI:0000:18:00): 79, pid=1, name=a, GPU has fallen off the bus.\n" * 3
    assert len(read("-", stdin=text)[1]) == 3
    assert len(read("kmsg", "-", stdin=text)[1]) == 3


@pytest.mark.parametrize("name, gpus, power", [("h100x8-driver580.xml", 8, 547.04), ("gb300x4-driver580.xml", 4, 712.59)])
def test_nvidia_smi_xml(name, gpus, power):
    done, lines, reports = read(FILES / "nvidia_smi_xml" / name)
    assert done.returncode == 0, done.stderr
    assert len(values(lines, "gpu.temperature")) == gpus == len(reports[-1]["outputs"][0]["gpus"])
    average = [x["value"] for x in lines if x["source"] == "nvidia_smi_xml:gpu_power_readings/average_power_draw"]
    assert sum(average) == pytest.approx(power, abs=0.005)


def test_half_an_xml_file_gives_its_whole_devices():
    text = (FILES / "nvidia_smi_xml/h100x8-driver580.xml").read_text()
    done, lines, _ = read("-", stdin=text[: len(text) // 2])
    assert done.returncode == 3 and 4 <= len(values(lines, "gpu.temperature")) <= 5


def test_nvidia_smi_text():
    done, lines, reports = read(FILES / "nvidia_smi/linux-x86_64__nvidia-h100-80gb-hbm3__590.48.01.txt")
    assert done.returncode == 0, done.stderr
    assert {"-q", "table", "query-gpu", "nvlink"} == {x["format"] for x in reports[-1]["outputs"]}
    assert max(values(lines, "gpu.utilization")) == 1
    done, lines, _ = read(FILES / "nvidia_smi/nvlink-status-a100.txt")
    assert values(lines, "gpu.link.speed") == [25e9] * 96


def test_rocm_smi():
    done, lines, _ = read(FILES / "amd_rocm_smi/mi100_rocm602.json")
    assert done.returncode == 0, done.stderr
    assert values(lines, "gpu.power", gpu__index="0") == [36] and values(lines, "gpu.memory.used", gpu__index="0") == [6750208]


def test_a_training_log_that_holds_a_table_is_a_training_log():
    for name in ("2024-10-17_DistributedMuon.log.gz", "2024-12-04_ValueEmbed.log.gz"):
        _, _, reports = read(ROOT / "tests/golden/l5" / name)
        assert [x["report"] for x in reports] == ["training"], name
