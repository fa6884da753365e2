# SPDX-License-Identifier: Apache-2.0
"""src/l1_gpu/xid.yaml, the table of NVIDIA's fault codes: read, refused where wrong, written as C++."""
from . import read
from .write import LICENCE, text

PATH = "src/l1_gpu/xid.yaml"
XID_KEYS = {"code", "name", "meaning", "origin", "scope", "severity", "action", "note"}
NVLINK_KEYS = {"xid", "units", "status", "severity", "action", "certain"}
SEVERITIES = ("info", "warning", "error", "critical", "depends")
SCOPES = ("none", "process", "link", "gpu", "vm", "node")
CLASSES = ("non_fatal", "potentially_fatal", "always_fatal")


def load(root):
    if not (root / PATH).exists():
        return None
    table = read.load(root, PATH)
    reader = read.Reader(PATH, ())
    reader.keys(table, {"actions", "xids", "unused", "recovery_actions", "nvlink5", "sxids"}, "the table of faults")
    codes = set()
    for row in table["xids"] + table["unused"]:
        reader.what = f"Xid {row.get('code')}"
        reader.keys(row, XID_KEYS, "a fault")
        if not isinstance(row.get("code"), int) or row["code"] in codes:
            reader.fail("the code is no number, or stands twice")
        codes.add(row["code"])
        reader.text(row.get("name"), "name")
    for row in table["xids"]:
        reader.what = f"Xid {row['code']}"
        reader.text(row.get("meaning"), "meaning")
        reader.one_of(row.get("severity"), SEVERITIES, "severity")
        reader.one_of(row.get("scope"), SCOPES, "scope")
        reader.one_of(row.get("action"), tuple(table["actions"]), "action")
    for row in table["nvlink5"]:
        reader.what = f"nvlink5 {row.get('xid')} {row.get('units')}"
        reader.keys(row, NVLINK_KEYS, "a rule")
        reader.one_of(row.get("severity"), SEVERITIES, "severity")
        reader.one_of(row.get("action"), tuple(table["actions"]), "action")
    if tuple(table["sxids"]) != CLASSES:
        reader.fail(f"sxids has the classes {', '.join(CLASSES)}")
    return table


def source(table):
    xids = []
    for row in sorted(table["xids"] + table["unused"], key=lambda r: r["code"]):
        used = "severity" in row
        meaning = row.get("meaning") or "no public meaning; today's drivers do not raise it"
        xids.append(f"    {{{row['code']}, {text(row['name'])}, {text(meaning)}, {text(row.get('origin', ''))}, "
                    f"{text(row.get('scope', ''))}, {text(row['severity'] if used else 'warning')}, "
                    f"{text(row['action'] if used else 'contact_support')}, {text(row.get('note', ''))}}},")
    sxids = sorted((code, meaning, kind) for kind in CLASSES for code, meaning in table["sxids"][kind]["codes"].items())
    rules = [f"    {{{r['xid']}, {text(unit)}, {r['status']:#010x}, {text(r['severity'])}, {text(r['action'])}, "
             f"{'true' if r.get('certain', True) else 'false'}}}," for r in table["nvlink5"] for unit in r["units"]]
    return f"""// {LICENCE}
// Made by tools/gen from {PATH}: edit that file. Constant tables, any thread.
#include "l1_gpu/xid.h"

namespace strata::l1_gpu {{
namespace {{

constexpr XidFact kXids[] = {{
{chr(10).join(xids)}
}};

constexpr SxidFact kSxids[] = {{
{chr(10).join(f'    {{{code}, {text(meaning)}, {text(kind)}, {text(table["sxids"][kind]["effect"])}}},' for code, meaning, kind in sxids)}
}};

constexpr NvlinkRule kNvlinkRules[] = {{
{chr(10).join(rules)}
}};

constexpr FaultAction kActions[] = {{
{chr(10).join(f'    {{{text(k)}, {text(v)}}},' for k, v in table["actions"].items())}
}};

constexpr std::string_view kRecoveryActions[] = {{{", ".join(text(v) for _, v in sorted(table["recovery_actions"].items()))}}};

}}  // namespace

std::span<const XidFact> xid_facts() {{ return kXids; }}
std::span<const SxidFact> sxid_facts() {{ return kSxids; }}
std::span<const NvlinkRule> nvlink_rules() {{ return kNvlinkRules; }}
std::span<const FaultAction> fault_actions() {{ return kActions; }}
std::span<const std::string_view> recovery_actions() {{ return kRecoveryActions; }}

}}  // namespace strata::l1_gpu
"""
