// SPDX-License-Identifier: Apache-2.0
// Badges, notices and the other small things that every panel uses.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../base/api';
import { isWorld } from '../base/live';
import { ago } from '../base/number';
import { timeOf } from '../base/time';

const kStateText: Record<string, string> = {
  live: 'live',
  replayed: 'replayed',
  stale: 'stale',
  absent: 'absent',
  failed: 'failed',
  measured: 'measured',
  estimated: 'estimated',
};

export function StateBadge({ state, title }: { state: string; title?: string }) {
  return (
    <span class={`badge state-${state}`} title={title}>
      {kStateText[state] ?? state}
    </span>
  );
}

// Stands at every value that a replayed world brought.
export function Replayed({ origin, short }: { origin: string | undefined; short?: boolean }) {
  if (!isWorld(origin)) return null;
  return (
    <span
      class="badge replayed"
      title={`Recorded data, not this machine: replayed world “${origin}”`}
    >
      {short ? 'replayed' : `replayed · ${origin}`}
    </span>
  );
}

export function Notice({
  children,
  kind = 'plain',
}: {
  children: ComponentChildren;
  kind?: 'plain' | 'error' | 'good';
}) {
  return (
    <p class={`notice ${kind}`} role={kind === 'error' ? 'alert' : undefined}>
      {children}
    </p>
  );
}

export function Failed({ error }: { error: ApiError }) {
  return (
    <Notice kind="error">
      <b>{error.code}</b> {error.message}
    </Notice>
  );
}

export function Waiting() {
  return <p class="notice waiting">asking…</p>;
}

export function useNow(every_ms = 1000): number {
  const [now, set] = useState(Date.now() / 1000);
  useEffect(() => {
    const t = setInterval(() => set(Date.now() / 1000), every_ms);
    return () => clearInterval(t);
  }, [every_ms]);
  return now;
}

export function Age({ at }: { at: unknown }) {
  const now = useNow();
  const t = timeOf(at);
  return <span class="num">{t === null ? 'never' : ago(Math.max(0, now - t))}</span>;
}

export function Section({
  title,
  id,
  aside,
  children,
}: {
  title: ComponentChildren;
  id?: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel" id={id} aria-label={typeof title === 'string' ? title : undefined}>
      <header>
        <h2>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

export function Choice<T extends string>({
  label,
  options,
  value,
  onPick,
  names,
}: {
  label: string;
  options: readonly T[];
  value: T;
  onPick: (v: T) => void;
  names?: Record<string, string>;
}) {
  return (
    <div class="choice" role="group" aria-label={label}>
      {options.map((o) => (
        <button type="button" key={o} aria-pressed={o === value} onClick={() => onPick(o)}>
          {names?.[o] ?? o}
        </button>
      ))}
    </div>
  );
}

// An id that may be long: shown whole to copy, cut in the middle by CSS width only.
export function Id({ children }: { children: string }) {
  return (
    <code class="id" title={children}>
      {children}
    </code>
  );
}
export function shortId(id: string): string {
  const name = id.includes(':') ? id.slice(id.indexOf(':') + 1) : id;
  return name.length > 22 ? name.slice(0, 12) + '…' + name.slice(-6) : name;
}
