// SPDX-License-Identifier: Apache-2.0
// Times of the API (ISO text, ClickHouse text, unix seconds) and of the address bar (now-15m) as unix seconds.

export function timeOf(v: unknown): number | null {
  if (typeof v === 'number')
    return Number.isFinite(v)
      ? v > 1e17
        ? v / 1e9
        : v > 1e14
          ? v / 1e6
          : v > 1e11
            ? v / 1e3
            : v
      : null;
  if (typeof v !== 'string' || v === '') return null;
  if (/^\d+(\.\d+)?$/.test(v)) return timeOf(Number(v));
  // Browsers read at most milliseconds: the rest of the fraction is added by hand.
  const m = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(v);
  if (!m) return null;
  const whole = Date.parse(`${m[1]}T${m[2]}${m[4] ?? 'Z'}`);
  return Number.isFinite(whole) ? whole / 1000 + (m[3] ? Number(m[3]) : 0) : null;
}

const kUnit_s: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

// "now", "now-90m", unix seconds or ISO, resolved against now_s.
export function resolveTime(text: string, now_s: number): number | null {
  const m = /^now(?:-(\d+(?:\.\d+)?)([smhd]))?$/.exec(text);
  if (m) return m[1] ? now_s - Number(m[1]) * kUnit_s[m[2]!]! : now_s;
  return timeOf(text);
}

// A step that gives about 240 points, from the steps people expect.
export function stepFor(range_s: number): number {
  for (const s of [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 10800, 86400])
    if (range_s / s <= 300) return s;
  return 86400;
}

const two = (n: number) => String(n).padStart(2, '0');

export function clock(t: number | null, withSeconds = true): string {
  if (t === null) return 'not known';
  const d = new Date(t * 1000);
  return `${two(d.getHours())}:${two(d.getMinutes())}${withSeconds ? ':' + two(d.getSeconds()) : ''}`;
}

export function dateClock(t: number | null): string {
  if (t === null) return 'not known';
  const d = new Date(t * 1000);
  const today = new Date();
  const same = d.toDateString() === today.toDateString();
  return same
    ? clock(t)
    : `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clock(t)}`;
}
