# SPDX-License-Identifier: Apache-2.0
"""src/l1_gpu/gpu_specs.yaml, the peaks of accelerators: read, refused where wrong, written as C++."""
from . import read
from .write import LICENCE, text

PATH = "src/l1_gpu/gpu_specs.yaml"
KEYS = {"id", "vendor", "names", "not", "flops", "memory", "link", "tdp_w", "grade", "per", "unsure", "sources"}
KINDS = ("tf32", "bf16", "fp16", "fp8", "int8", "fp4")
UNSURE = KINDS + ("flops", "memory", "link", "tdp_w")


def load(root):
    if not (root / PATH).exists():
        return None
    table = read.load(root, PATH)
    reader = read.Reader(PATH, ())
    reader.keys(table, {"gpus", "sources"}, "the table of peaks")
    ids, names = set(), set()
    for row in table["gpus"]:
        reader.what = f"gpu {row.get('id')}"
        reader.keys(row, KEYS, "a gpu")
        if reader.text(row.get("id"), "id") in ids:
            reader.fail("the id stands twice")
        ids.add(row["id"])
        reader.one_of(row.get("grade"), ("A", "B", "C"), "grade")
        for name in reader.listed(row.get("names"), "names"):
            if reader.text(name, "names").lower() in names:
                reader.fail(f"the name {name!r} stands twice")
            names.add(name.lower())
        for key, value in row["flops"].items():
            reader.one_of(key, KINDS, "flops")
            reader.number(value, key)
        for key in ("memory", "link", "tdp_w"):
            if row.get(key) is not None:
                reader.number(row[key], key)
        for key in row.get("unsure", []):
            reader.one_of(key, UNSURE, "unsure")
        for source in reader.listed(row.get("sources"), "sources"):
            if source not in table["sources"]:
                reader.fail(f"unknown source {source!r}")
    return table


def source(table):
    def peak(row, value, factor, *unsure):
        if value is None:
            return "{}"
        grade = "C" if set(unsure) & set(row.get("unsure", [])) else row["grade"]
        return f"{{{float(value) * factor!r}, '{grade}'}}"

    rows = []
    for r in table["gpus"]:
        flops = ", ".join(peak(r, r["flops"].get(k), 1e12, k, "flops") for k in KINDS)
        rows.append(f"    {{{text(r['id'])}, {text(r['vendor'])}, {flops}, {peak(r, r['memory'], 1e9, 'memory')}, "
                    f"{peak(r, r['link'], 1e9, 'link')}, {peak(r, r['tdp_w'], 1.0, 'tdp_w')}}},")
    names = [f"    {{{text(name.lower())}, {text((r.get('not') or [''])[0].lower())}, {i}}}," for name, r, i in sorted(
        ((n, r, i) for i, r in enumerate(table["gpus"]) for n in r["names"]), key=lambda x: (-len(x[0]), x[0]))]
    return f"""// {LICENCE}
// Made by tools/gen from {PATH}: edit that file. Constant tables, any thread.
#include "l1_gpu/derived.h"

namespace strata::l1_gpu {{
namespace {{

constexpr GpuSpec kSpecs[] = {{
{chr(10).join(rows)}
}};

constexpr GpuName kNames[] = {{
{chr(10).join(names)}
}};

}}  // namespace

std::span<const GpuSpec> gpu_specs() {{ return kSpecs; }}
std::span<const GpuName> gpu_names() {{ return kNames; }}

}}  // namespace strata::l1_gpu
"""
