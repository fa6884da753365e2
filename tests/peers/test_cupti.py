# SPDX-License-Identifier: Apache-2.0
"""The real driver library loads plugins/cupti for CUDA_INJECTION64_PATH and calls it inside cuInit, also without a GPU.
libcuda from Debian's non-free section and NVIDIA's headers from PyPI, both fetched once into the cache."""

import json
import os
import pathlib
import subprocess
import sys

import pytest

from conftest import ROOT, cache

pytestmark = pytest.mark.peer("cupti")
WHEELS = ["nvidia-cuda-cupti", "nvidia-cuda-runtime", "nvidia-cuda-crt"]
PROBE = """
import ctypes, os, sys, time
cuda = ctypes.CDLL(sys.argv[1])
code = cuda.cuInit(0)
loaded = [l for l in open("/proc/self/maps") if "libstrata_cupti" in l]
time.sleep(1.5)
print(code, len(loaded), len(os.listdir("/proc/self/task")))
"""


def apt(folder, *words):
    """apt-get with the machine's own mirror and keys, and the non-free section beside main; nothing outside `folder` changes."""
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    sources = pathlib.Path("/etc/apt/sources.list.d/debian.sources").read_text()
    (folder / "nonfree.sources").write_text(sources.replace("Components: main", "Components: main contrib non-free"))
    return subprocess.run(
        ["apt-get", "-q", "-o", f"Dir::Etc::sourcelist={folder / 'nonfree.sources'}", "-o", "Dir::Etc::sourceparts=-",
         "-o", f"Dir::State::lists={folder / 'lists'}", "-o", f"Dir::Cache={folder}", *words],
        cwd=folder, check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def libcuda():
    folder = cache() / "libcuda1"
    found = list(folder.glob("root/usr/lib/**/libcuda.so.1"))
    if not found:
        folder.mkdir(exist_ok=True)
        apt(folder, "update")
        apt(folder, "download", "libcuda1")
        subprocess.run(["dpkg", "-x", next(folder.glob("libcuda1_*.deb")), folder / "root"], check=True)
        found = list(folder.glob("root/usr/lib/**/libcuda.so.1"))
    return found[0]


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    headers = cache() / "cupti-headers"
    if not list(headers.glob("nvidia/*/include/cupti.h")):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", headers, *WHEELS], check=True)
    include = next(headers.glob("nvidia/*/include/cupti.h")).parent
    out = tmp_path_factory.mktemp("cupti") / "libstrata_cupti.so"
    source = ROOT / "plugins" / "cupti"
    subprocess.run(["g++", "-std=c++20", "-O2", "-Wall", "-Werror", "-fPIC", "-shared", "-fvisibility=hidden", "-isystem", include,
                    source / "injection.cc", source / "window.cc", "-o", out, "-ldl", "-lpthread"], check=True)
    return out, next(headers.glob("nvidia/*/lib/libcupti.so.*")).parent


def probe(libcuda, library, **settings):
    out, cupti = library
    env = {**os.environ, "CUDA_INJECTION64_PATH": str(out), "LD_LIBRARY_PATH": str(cupti), **settings}
    done = subprocess.run([sys.executable, "-c", PROBE, libcuda], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [int(x) for x in done.stdout.split()]


def test_the_driver_loads_it_and_nothing_happens(libcuda, library, tmp_path):
    code, loaded, threads = probe(libcuda, library, STRATA_CUPTI_DIR=str(tmp_path))
    assert code == 100  # CUDA_ERROR_NO_DEVICE, as without us
    assert loaded > 0 and threads == 1
    assert list(tmp_path.iterdir()) == []


def test_switched_on_it_survives_a_cupti_without_a_device(libcuda, library, tmp_path):
    code, loaded, threads = probe(libcuda, library, STRATA_CUPTI="on", STRATA_CUPTI_DIR=str(tmp_path), STRATA_CUPTI_EVERY="1", STRATA_CUPTI_WINDOW="0.2")
    assert code == 100 and loaded > 0
    assert threads >= 2  # InitializeInjection was called: its thread is there
    for line in [l for f in tmp_path.iterdir() for l in f.read_text().splitlines()]:
        json.loads(line)  # whatever was written is whole
