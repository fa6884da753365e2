// SPDX-License-Identifier: Apache-2.0
// A cost answer as parts of one bar. Absent parts stay absent; what rows do not break down is shown as such. The
// residual is the server's, computed in decimals: sums here are for drawing only.
import type { Cost } from './api';
import { num } from './number';

export interface BillPart {
  id: string;
  label: string;
  cost: number;
  colour: string;
  note?: string;
  floor?: boolean;
}
export interface Bill {
  total: number | null;
  parts: BillPart[];
  unseen: string[];
  residual: number | null;
  currency: string;
}

interface Spec {
  id: string;
  label: string;
  meaning: string;
}
export const kClasses: Spec[] = [
  { id: 'useful', label: 'useful', meaning: 'worked, and bought tokens that somebody could use' },
  { id: 'goodput', label: 'training progress', meaning: 'steps that stayed' },
  { id: 'in_flight', label: 'in flight', meaning: 'calls that have not ended yet' },
  { id: 'slo_miss', label: 'SLO miss', meaning: 'answered, but too late for the promise' },
  { id: 'aborted', label: 'aborted', meaning: 'the caller hung up' },
  { id: 'error', label: 'error', meaning: 'the call failed' },
  { id: 'duplicate', label: 'duplicate', meaning: 'a retry of work that had been done' },
  { id: 'recomputed', label: 'recomputed', meaning: 'done again after a preemption' },
  { id: 'rejected_draft', label: 'rejected draft', meaning: 'speculative tokens thrown away' },
  {
    id: 'truncated',
    label: 'truncated',
    meaning: 'cut off at the length limit, counted as waste by configuration',
  },
  { id: 'idle_held', label: 'idle, held', meaning: 'somebody held the device and it did nothing' },
  { id: 'unallocated', label: 'unallocated', meaning: 'nobody held the device' },
  { id: 'unobserved', label: 'unobserved', meaning: 'billed, but no measurement came' },
  { id: 'not_assessed', label: 'not assessed', meaning: 'held; nothing says whether it worked' },
];
const canonical = (id: string): string => (/not[_ ,-]*assessed/.test(id) ? 'not_assessed' : id);
export const classOf = (id: string): Spec =>
  kClasses.find((c) => c.id === canonical(id)) ?? {
    id,
    label: id.replaceAll('_', ' '),
    meaning: '',
  };
const money = (v: unknown): number | null =>
  num(v) ?? (v && typeof v === 'object' ? num((v as { cost?: unknown }).cost) : null);

export function billOf(cost: Cost): Bill {
  const sums = new Map<string, number>();
  const add = (id: string, v: number | null) => {
    if (v !== null) sums.set(canonical(id), (sums.get(canonical(id)) ?? 0) + v);
  };
  const unseen = new Set<string>();
  const from = cost.rows?.length ? cost.rows : [{ classes: cost.classes }];
  for (const row of from) {
    for (const [id, v] of Object.entries(row.classes ?? {})) add(id, money(v));
    for (const id of (row as { not_assessed?: string[] }).not_assessed ?? [])
      unseen.add(canonical(id));
  }
  if (!sums.has('unallocated')) add('unallocated', money(cost.unallocated));
  if (!sums.has('unobserved')) add('unobserved', money(cost.unobserved));
  const total = num(cost.bill?.cost);
  const known = [...sums.values()].reduce((a, b) => a + b, 0);
  const order = (id: string) => {
    const i = kClasses.findIndex((c) => c.id === id);
    return i < 0 ? 9.5 : i;
  };
  const parts: BillPart[] = [...sums]
    .filter(([, v]) => v !== 0)
    .sort(([a], [b]) => order(a) - order(b))
    .map(([id, v]) => ({
      id,
      label: classOf(id).label,
      cost: v,
      colour: kClasses.some((c) => c.id === id) ? id : 'other',
      note: classOf(id).meaning,
      floor: unseen.has(id),
    }));
  if (total !== null && total - known > Math.max(1e-9, total * 1e-6)) {
    parts.push({
      id: 'rest',
      label: 'not broken down',
      cost: total - known,
      colour: 'not_assessed',
      note: 'this answer has no classes for it',
    });
  }
  return {
    total,
    parts,
    unseen: [...unseen].filter((id) => !(sums.get(id) ?? 0)),
    residual: num(cost.residual),
    currency: cost.currency || 'USD',
  };
}
