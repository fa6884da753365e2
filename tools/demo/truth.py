# SPDX-License-Identifier: Apache-2.0
"""What strata says of the same calls, set beside what the client saw."""

import json
import subprocess
import time
import urllib.parse

from engine import get


def rows(url, begin, end, model):
    """Rows of /api/v1/requests in the time range; None when the endpoint does not answer."""
    query = urllib.parse.urlencode(
        {"from": f"{begin:.3f}", "to": f"{end:.3f}", "model": model, "limit": 100000}
    )
    status, text = get(f"{url}/api/v1/requests?{query}", timeout=10)
    if status != 200:
        return None
    answer = json.loads(text)
    return answer if isinstance(answer, list) else answer.get("requests", answer.get("rows", []))


def summed(found):
    out = {
        "calls": len(found),
        "statuses": {},
        "input_tokens": 0,
        "output_tokens": 0,
        "by_tenant": {},
    }
    for row in found:
        out["statuses"][row["status"]] = out["statuses"].get(row["status"], 0) + 1
        out["by_tenant"][row["tenant"]] = out["by_tenant"].get(row["tenant"], 0) + 1
        if row["status"] == "ok":
            out["input_tokens"] += int(row["input_tokens"] or 0)
            out["output_tokens"] += int(row["output_tokens"] or 0)
    return out


def wait_for(url, begin, want, model, patience_s=90.0, stop=None):
    """Asks until strata's counts equal the client's; (equal, strata's last answer or None)."""
    end, got = time.monotonic() + patience_s, None
    while True:
        found = rows(url, begin - 1, time.time() + 60, model)
        got = summed(found) if found is not None else got
        if got == want:
            return True, got
        if time.monotonic() > end or (stop and stop.is_set()):
            return False, got
        time.sleep(2)


def command(strata, url, *arguments):
    """Standard output of a strata command; what it said instead when it failed."""
    try:
        done = subprocess.run(
            [str(strata), *arguments, "--url", url], capture_output=True, text=True, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, str(error)
    return done.returncode, done.stdout if done.returncode in (0, 3) else done.stderr.strip()


def table(want, got):
    lines = [f"{'':16}{'client':>12}{'strata':>12}"]
    got = got or {}
    for key in ("calls", "input_tokens", "output_tokens"):
        lines.append(f"{key:16}{want[key]:12d}{got.get(key, '-'):>12}")
    for status in sorted(set(want["statuses"]) | set(got.get("statuses", {}))):
        told = got.get("statuses", {}).get(status, 0) if got else "-"
        lines.append(f"  {status:14}{want['statuses'].get(status, 0):12d}{told:>12}")
    return "\n".join(lines)
