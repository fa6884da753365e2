// SPDX-License-Identifier: Apache-2.0
// The server's tick every two seconds over server-sent events. The browser reconnects by itself after a broken
// connection; after an HTTP error it does not, so we do. Silence for eight seconds is "stale since".
import type { Cost, Tick } from './api';
import { ask, type Finding, type Spark } from './api';
import { findingsOf } from './read';
import { route } from './route';
import { Store } from './store';

export interface Link {
  state: 'connecting' | 'live' | 'stale';
  since_s: number;
  detail: string;
}

export const tick = new Store<Tick | null>(null);
export const link = new Store<Link>({
  state: 'connecting',
  since_s: Date.now() / 1000,
  detail: '',
});

const kSilent_ms = 8000;
let source: EventSource | null = null;
let lastTick_ms = 0;
let wait_ms = 1000;

function stale(detail: string): void {
  const l = link.get();
  if (l.state === 'stale') return;
  const since_s = (lastTick_ms || Date.now()) / 1000;
  link.set({
    state: lastTick_ms || l.since_s < Date.now() / 1000 - 5 ? 'stale' : 'connecting',
    since_s,
    detail,
  });
}

function open(): void {
  source?.close();
  const s = new EventSource('/api/v1/live?origin=all');
  source = s;
  s.addEventListener('tick', (e) => {
    try {
      tick.set(JSON.parse((e as MessageEvent<string>).data) as Tick);
    } catch {
      return;
    }
    lastTick_ms = Date.now();
    wait_ms = 1000;
    if (link.get().state !== 'live')
      link.set({ state: 'live', since_s: lastTick_ms / 1000, detail: '' });
  });
  s.onerror = () => {
    stale('the connection broke');
    if (s.readyState !== EventSource.CLOSED || source !== s) return;
    // An HTTP error: say what the server says, then try again, ever slower up to ten seconds.
    source = null;
    ask('status').catch((why: Error) => {
      const l = link.get();
      if (l.state !== 'live') link.set({ ...l, detail: why.message });
    });
    setTimeout(() => {
      if (!source) open();
    }, wait_ms);
    wait_ms = Math.min(10000, wait_ms * 2);
  };
}

export function startLive(): void {
  open();
  setInterval(() => {
    if (
      link.get().state !== 'stale' &&
      Date.now() - Math.max(lastTick_ms, link.get().since_s * 1000) > kSilent_ms
    ) {
      stale('no tick from the server');
      if (source && source.readyState === EventSource.OPEN) open();
    } else if (
      link.get().state === 'stale' &&
      source?.readyState === EventSource.OPEN &&
      Date.now() - lastTick_ms > 3 * kSilent_ms
    ) {
      open();
    }
  }, 1000);
  // A page in the background costs the server nothing.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) open();
  });
}

// ---- Origins: live, or the name of a replayed world. Values of two origins are shown side by side, never summed.

export const isWorld = (origin: string | undefined): boolean => !!origin && origin !== 'live';

export function knownOrigins(t: Tick | null): string[] {
  const all = new Set<string>(['live', ...(t?.origins ?? [])]);
  all.delete('all');
  return [...all];
}

// What the person chose; several origins and no choice: all, side by side.
export function chosenOrigin(t: Tick | null): string {
  const q = route.get().query.origin;
  const known = knownOrigins(t);
  if (q && (q === 'all' || known.includes(q) || !t)) return q;
  return known.length > 1 ? 'all' : 'live';
}

export function activeOrigins(t: Tick | null): string[] {
  const chosen = chosenOrigin(t);
  return chosen === 'all' ? knownOrigins(t) : [chosen];
}

export function headlineOf(t: Tick | null, origin: string): Cost | null {
  if (!t) return null;
  const h = t.headlines?.[origin];
  return h ?? (origin === 'live' ? (t.headline ?? null) : null);
}

export function sparksOf(t: Tick | null, layer: string): Spark[] {
  const of = t?.layers.find((l) => l.layer === layer);
  const worlds = knownOrigins(t);
  const active = activeOrigins(t);
  const state = t?.status.layers.find((l) => l.layer === layer);
  return (of?.sparkline ?? [])
    .map((s) => ({
      ...s,
      origin:
        s.origin ||
        (state?.state === 'replayed' ? (state.origin ?? worlds[1] ?? 'replayed') : 'live'),
    }))
    .filter((s) => active.includes(s.origin));
}

export function openFindings(t: Tick | null): Finding[] {
  const active = activeOrigins(t);
  return findingsOf(t?.findings).filter((f) => active.includes(f.origin));
}
