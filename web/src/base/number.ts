// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them: SI prefixes, three digits, money, durations, times. Absent is words, never 0 or NaN.

export const kAbsent = 'not measured';

// A number or a decimal string of the API; anything else is absent.
export function num(v: unknown): number | null {
  if (typeof v === 'number') return Number.isFinite(v) ? v : null;
  if (typeof v === 'string' && v.trim() !== '') {
    const n = Number(v);
    return Number.isFinite(n) ? n : null;
  }
  return null;
}

// Three significant digits without exponent; the value is already scaled to a sensible size.
export function digits3(v: number): string {
  const a = Math.abs(v);
  if (a === 0) return '0';
  if (a >= 100) return Math.round(v).toLocaleString('en-US').replaceAll(',', ' ');
  if (a >= 10) return v.toFixed(1).replace(/\.0$/, '');
  if (a >= 1) return v.toFixed(2).replace(/\.?0+$/, '');
  const places = Math.min(12, 2 - Math.floor(Math.log10(a)));
  return v
    .toFixed(places)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}

const kUp = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const kDown = ['', 'm', 'µ', 'n', 'p'];
const kPerToken = /^(USD|EUR|CNY|GBP|JPY)\/\{token\}$/;

// [number text, prefix]
export function prefixed(v: number, small = false): [string, string] {
  let a = Math.abs(v);
  if (a === 0) return ['0', ''];
  let i = 0;
  if (a >= 999.5) {
    while (a >= 999.5 && i < kUp.length - 1) {
      a /= 1000;
      v /= 1000;
      i++;
    }
    return [digits3(v), kUp[i]!];
  }
  if (small && a < 1) {
    while (a < 0.9995 && i < kDown.length - 1) {
      a *= 1000;
      v *= 1000;
      i++;
    }
    return [digits3(v), kDown[i]!];
  }
  return [digits3(v), ''];
}

const kCounted: Record<string, string> = {
  token: 'tok',
  request: 'req',
  thread: 'thr',
  process: 'proc',
  packet: 'pkt',
  operation: 'op',
  segment: 'seg',
  event: 'events',
  error: 'errors',
  preemption: 'preempt',
  block: 'blocks',
  step: 'steps',
  cpu: 'CPU',
  core: 'cores',
  fault: 'faults',
};

export interface Shown {
  num: string;
  unit: string;
}

export function duration_s(s: number): Shown {
  const a = Math.abs(s);
  if (a === 0) return { num: '0', unit: 's' };
  if (a < 0.9995) {
    const [n, p] = prefixed(s, true);
    return { num: n, unit: p + 's' };
  }
  if (a < 120) return { num: digits3(s), unit: 's' };
  if (a < 7200) return { num: digits3(s / 60), unit: 'min' };
  if (a < 172800) return { num: digits3(s / 3600), unit: 'h' };
  return { num: digits3(s / 86400), unit: 'd' };
}

// A value in a catalog unit (UCUM spelling) for the eye.
export function shown(v: number | null | undefined, unit = ''): Shown {
  if (v === null || v === undefined || !Number.isFinite(v)) return { num: kAbsent, unit: '' };
  if (unit === '1') {
    if (Math.abs(v) <= 1.5) return { num: digits3(v * 100), unit: '%' };
    const [n, p] = prefixed(v);
    return { num: n, unit: p };
  }
  if (unit === '%') return { num: digits3(v), unit: '%' };
  if (unit === 's') return duration_s(v);
  if (unit === 'ms') return duration_s(v / 1e3);
  if (unit === 'us') return duration_s(v / 1e6);
  if (unit === 'ns') return duration_s(v / 1e9);
  if (unit === 'Cel') return { num: digits3(v), unit: '°C' };
  const perToken = kPerToken.exec(unit);
  if (perToken) return { num: moneyText(v * 1e6, perToken[1]), unit: 'per Mtok' };
  const money = /^(USD|EUR|CNY|GBP|JPY)(.*)$/.exec(unit);
  if (money)
    return { num: moneyText(v, money[1]), unit: money[2]!.replace('{', '').replace('}', '') };
  const [n, p] = prefixed(v, /^(W|J|A|V|Hz|B)/.test(unit));
  if (unit.startsWith('By')) return { num: n, unit: p + 'B' + unit.slice(2) };
  const counted = /^\{([^}]*)\}(.*)$/.exec(unit);
  if (counted) {
    const word = kCounted[counted[1]!] ?? counted[1]!;
    return { num: n + (p ? ' ' + p : ''), unit: (word + counted[2]!).trim() };
  }
  return { num: n, unit: p + unit };
}

export function shownText(v: number | null | undefined, unit = ''): string {
  const s = shown(v, unit);
  return s.unit ? `${s.num} ${s.unit}` : s.num;
}

const kSign: Record<string, string> = { USD: '$', EUR: '€', GBP: '£', CNY: 'CN¥', JPY: '¥' };

export function moneyText(v: number | null | undefined, currency = 'USD'): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return kAbsent;
  const sign = kSign[currency ?? 'USD'] ?? currency + ' ';
  const a = Math.abs(v);
  const minus = v < 0 ? '−' : '';
  if (a === 0) return sign + '0';
  if (a >= 10000) return minus + sign + Math.round(a).toLocaleString('en-US').replaceAll(',', ' ');
  if (a >= 0.995) return minus + sign + a.toFixed(2);
  if (a < 1e-5) {
    const [n, p] = prefixed(a, true);
    return `${minus}${n} ${p}${sign.trim()}`;
  }
  return minus + sign + a.toFixed(Math.min(12, 2 - Math.floor(Math.log10(a))));
}

export function count(v: number | null | undefined): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return kAbsent;
  if (Math.abs(v) < 100000) return Math.round(v).toLocaleString('en-US').replaceAll(',', ' ');
  const [n, p] = prefixed(v);
  return n + (p ? ' ' + p : '');
}

export function percent(part: number, whole: number): string {
  if (!(whole > 0)) return '';
  const p = (part / whole) * 100;
  if (p > 0 && p < 0.1) return '<0.1 %';
  return (p >= 10 ? p.toFixed(0) : p.toFixed(1)) + ' %';
}

export function ago(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return kAbsent;
  if (seconds < 1) return 'now';
  if (seconds < 120) return `${Math.floor(seconds)} s ago`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86400)} d ago`;
}
