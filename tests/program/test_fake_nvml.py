# SPDX-License-Identifier: Apache-2.0
"""The fake libnvidia-ml against NVIDIA's own Python bindings (nvidia-ml-py): names, structures, versions and return codes are
theirs, so a mistake that our declarations and the fake share would show here."""

import os
import subprocess
import sys
import textwrap

import pytest

from test_l1_nvml import FAKE, PROFILES

pytest.importorskip("pynvml", reason="nvidia-ml-py is not installed: make deps")


def ask(profile, code):
    """Runs Python with pynvml on the fake: it loads libnvidia-ml.so.1 by name."""
    done = subprocess.run(
        [sys.executable, "-c", "from pynvml import *\nimport time\nnvmlInit()\n" + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60,
        env={**os.environ, "LD_LIBRARY_PATH": str(FAKE.parent), "STRATA_FAKE_NVML_SCRIPT": str(PROFILES / profile)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_values_and_versioned_structures():
    assert ask("h100x8-load.yaml", """
        print(nvmlSystemGetDriverVersion(), nvmlDeviceGetCount())
        h = nvmlDeviceGetHandleByIndex(3)
        print(nvmlDeviceGetName(h), nvmlDeviceGetUUID(h), nvmlDeviceGetPciInfo(h).busId)
        m = nvmlDeviceGetMemoryInfo(h, version=nvmlMemory_v2); print(m.total, m.reserved, m.used, m.free)
        m = nvmlDeviceGetMemoryInfo(h); print(m.used)
        u = nvmlDeviceGetUtilizationRates(h); print(u.gpu, u.memory)
        print(nvmlDeviceGetEnforcedPowerLimit(h), nvmlDeviceGetClockInfo(h, NVML_CLOCK_SM), nvmlDeviceGetMaxPcieLinkWidth(h))
        print(nvmlDeviceGetTemperatureV(h, NVML_TEMPERATURE_GPU) >= 59, nvmlDeviceGetCurrentClocksEventReasons(h))
        v = nvmlDeviceGetFieldValues(h, [NVML_FI_DEV_RETIRED_SBE, (NVML_FI_DEV_NVLINK_GET_STATE, 17), NVML_FI_DEV_POWER_MAX_LIMIT])
        print([x.nvmlReturn for x in v], v[1].value.ullVal, v[2].value.uiVal)
        print([(p.pid, p.usedGpuMemory) for p in nvmlDeviceGetComputeRunningProcesses(h)])
        print([(p.pid, p.smUtil) for p in nvmlDeviceGetProcessUtilization(h, 0)])
        """) == [
        "590.48.01 8",
        "NVIDIA H100 80GB HBM3 GPU-00000003-0000-0000-0000-000000000003 00000000:53:00.0",
        "85520809984 502267904 20780679168 64237862912",
        "21282947072",
        "100 11",
        "700000 1980 16",
        "True 0",
        "[3, 0, 0] 1 700000",
        "[(113237, 2690646016), (113238, 1616904192), (113435, 16452157440)]",
        "[(113435, 99)]",
    ]


def test_wrong_versions_and_what_is_not_there_are_refused():
    assert ask("h100x8-load.yaml", """
        import ctypes, pynvml
        h = nvmlDeviceGetHandleByIndex(0)
        m = c_nvmlMemory_v2_t(); m.version = 0x01000028
        print(pynvml.nvmlLib.nvmlDeviceGetMemoryInfo_v2(h, ctypes.byref(m)))
        try: nvmlDeviceGetHandleByIndex(8)
        except NVMLError as e: print(e.value)
        nvmlShutdown()
        try: nvmlDeviceGetCount()
        except NVMLError as e: print(e.value)
        """) == ["25", "2", "1"]


def test_gpm_and_mig():
    out = ask("h100-mig.yaml", """
        h = nvmlDeviceGetHandleByIndex(0)
        print(nvmlDeviceGetMigMode(h), nvmlGpmQueryDeviceSupport(h).isSupportedDevice)
        for i in range(nvmlDeviceGetMaxMigDeviceCount(h)):
            try: m = nvmlDeviceGetMigDeviceHandleByIndex(h, i)
            except NVMLError_NotFound: continue
            a = nvmlDeviceGetAttributes(m)
            print(nvmlDeviceGetGpuInstanceId(m), nvmlDeviceGetUUID(m)[-2:], a.gpuInstanceSliceCount, a.memorySizeMB, nvmlDeviceGetMemoryInfo(m).total)
        s = [nvmlGpmSampleAlloc() for _ in range(2)]
        nvmlGpmMigSampleGet(h, 1, s[0]); time.sleep(0.15); nvmlGpmMigSampleGet(h, 1, s[1])
        g = c_nvmlGpmMetricsGet_t(); g.version = NVML_GPM_METRICS_GET_VERSION; g.numMetrics = 2; g.sample1, g.sample2 = s
        g.metrics[0].metricId, g.metrics[1].metricId = NVML_GPM_METRIC_SM_UTIL, NVML_GPM_METRIC_DRAM_BW_UTIL
        nvmlGpmMetricsGet(g); print([(g.metrics[i].nvmlReturn, g.metrics[i].value) for i in range(2)])
        """)
    assert out == ["[1, 1] 1", "1 01 3 40448 42412802048", "9 09 1 9856 10334765056", "11 0b 1 9856 10334765056", "[(0, 98.0), (0, 41.0)]"]
