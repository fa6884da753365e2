// SPDX-License-Identifier: Apache-2.0
// The one clock: the moment under the pointer (or moved by arrow keys), shared by every chart of a view.
import type { Points } from './api';
import { Store } from './store';

export interface Cursor {
  t: number | null;
  by: 'pointer' | 'keys';
}
export const cursor = new Store<Cursor>({ t: null, by: 'pointer' });

let pending: number | null | undefined;
export function point(t: number | null): void {
  if (pending === undefined)
    requestAnimationFrame(() => {
      if (pending !== undefined) cursor.set({ t: pending, by: 'pointer' });
      pending = undefined;
    });
  pending = t;
}

export function lastOf(points: Points): [number, number] | null {
  for (let i = points.length - 1; i >= 0; i--) {
    const p = points[i]!;
    if (p[1] !== null) return [p[0], p[1]];
  }
  return null;
}

// Usual distance of two points; the first few tell.
export function stepOf(points: Points): number {
  if (points.length < 3) return 60;
  const d: number[] = [];
  for (let i = 1; i < Math.min(points.length, 40); i++) d.push(points[i]![0] - points[i - 1]![0]);
  d.sort((a, b) => a - b);
  return Math.max(0.5, d[d.length >> 1]!);
}

// The value that stood at t: the last point before it, unless that is too old to speak for it.
export function valueAt(points: Points, t: number | null): number | null {
  if (t === null) return lastOf(points)?.[1] ?? null;
  let lo = 0,
    hi = points.length - 1,
    at = -1;
  while (lo <= hi) {
    const mid = (lo + hi) >> 1;
    if (points[mid]![0] <= t) {
      at = mid;
      lo = mid + 1;
    } else hi = mid - 1;
  }
  const step = stepOf(points);
  const p = at >= 0 ? points[at]! : undefined;
  if (p && t - p[0] <= 3 * step) return p[1];
  const next = points[at + 1];
  return next && next[0] - t <= step ? next[1] : null;
}
