// SPDX-License-Identifier: Apache-2.0
// Eight strips from the GPU to money: question, state with its reason, entities, and the key signals on one clock.
import { useMemo } from 'preact/hooks';
import { ask, type Cost, type CostRow, type LayerStatus, type Spark, type Tick } from '../base/api';
import { useAsk } from '../base/ask';
import { cursor, lastOf, valueAt } from '../base/cursor';
import { kLayers, layerColour, layerOf, layerVar, type Layer } from '../base/layers';
import { activeOrigins, chosenOrigin, sparksOf, tick } from '../base/live';
import { count, num, shown } from '../base/number';
import { href } from '../base/route';
import { useStore } from '../base/store';
import { clock, timeOf } from '../base/time';
import { Chart, Value, type Line } from '../widgets/chart';
import { Replayed, StateBadge } from '../widgets/small';
import { useEntities } from './picker';

interface Group {
  signal: string;
  unit: string;
  origin: string;
  sparks: Spark[];
}

// One small chart per signal and origin; all its entities in it. Signals that a layer's readers ask for first come first.
function groups(sparks: Spark[], layer: Layer): Group[] {
  const by = new Map<string, Group>();
  for (const s of sparks) {
    if (!s.points.length) continue;
    const key = s.origin + '|' + s.signal;
    const g = by.get(key) ?? { signal: s.signal, unit: s.unit, origin: s.origin, sparks: [] };
    g.sparks.push(s);
    by.set(key, g);
  }
  const rank = (g: Group) => {
    const i = layer.key.indexOf(g.signal);
    return (i < 0 ? 50 : i) + (g.origin === 'live' ? 0 : 0.5);
  };
  return [...by.values()]
    .map((g, i) => ({ g, i }))
    .sort((a, b) => rank(a.g) - rank(b.g) || a.i - b.i)
    .map((x) => x.g)
    .slice(0, 4);
}

// The layer is clear from the strip: its prefix is not said again.
const shortName = (signal: string): string =>
  signal
    .replace(/^(gpu|comm|system|train|inference|gen_ai|cost)\./, '')
    .replaceAll('_', ' ')
    .replaceAll('.', ' ');

// Layers whose answer is names, not lines: whose GPU it is, who called.
const kNamed: Record<string, string[]> = {
  l4_sched: ['workload', 'pod', 'job', 'team', 'queue', 'namespace'],
  l7_genai: ['tenant', 'model'],
};
function Names({ layer, fallback }: { layer: Layer; fallback: string }) {
  const { list } = useEntities();
  const types = kNamed[layer.id] ?? [];
  const found = list
    .filter((e) => types.includes(e.type))
    .sort((a, b) => types.indexOf(a.type) - types.indexOf(b.type))
    .slice(0, 8);
  if (!found.length) return <p class="why">{fallback}</p>;
  return (
    <div class="chips">
      {found.map((e) => (
        <a
          key={e.origin + e.key}
          href={href('core', e.key, { of: e.origin === 'live' ? undefined : e.origin })}
        >
          <small>{e.type}</small>
          {e.name || e.key} {e.origin !== 'live' && <em class="tag-replayed">replayed</em>}
        </a>
      ))}
    </div>
  );
}

// L8 has no samples: its lines are the ledger's minutes, one question per origin.
function useLedgerSparks(on: boolean, origins: string[]): Spark[] {
  const asked = useAsk<Spark[]>(
    `l8|${on}|${origins.join()}`,
    async (signal) => {
      if (!on) return [];
      const all = await Promise.all(
        origins.map(async (origin) => {
          const c = await ask<Cost>(
            'cost',
            { from: 'now-15m', to: 'now', by: 'minute', origin },
            signal,
          );
          const rows = (c.rows ?? [])
            .map((r) => ({ t: timeOf(r.minute), r }))
            .filter((x): x is { t: number; r: CostRow } => x.t !== null)
            .sort((a, b) => a.t - b.t);
          const line = (name: string, unit: string, f: (r: CostRow) => number | null): Spark => ({
            signal: name,
            unit,
            entity: '',
            origin,
            points: rows.map(({ t, r }) => [t, f(r)]),
          });
          const perHour = (v: unknown) => {
            const n = num(v);
            return n === null ? null : n * 60;
          };
          const perSecond = (v: unknown) => {
            const n = num(v);
            return n === null ? null : n / 60;
          };
          const currency = c.currency ?? 'USD';
          return [
            line('cost.held', currency + '/h', (r) => perHour(r.cost)),
            line('cost.useful', currency + '/h', (r) => perHour(r.classes?.useful)),
            line('cost.idle', currency + '/h', (r) => perHour(r.classes?.idle_held)),
            line('tokens.useful', '{token}/s', (r) => perSecond(r.tokens?.useful)),
          ];
        }),
      );
      return all.flat().filter((s) => s.points.some((p) => p[1] !== null));
    },
    15,
  );
  return asked.data ?? [];
}

// What the chosen origin says about the layer: the status speaks for all origins together.
function stateFor(l: LayerStatus, t: Tick, sparks: Spark[]): { state: string; why: string } {
  const chosen = chosenOrigin(t);
  if (chosen === 'all') return { state: l.state, why: whyOf(l) };
  if (chosen === 'live') {
    if (l.state === 'replayed')
      return {
        state: 'absent',
        why: `nothing live; the replayed world ${l.origin ?? ''} has this layer`,
      };
    return { state: l.state, why: whyOf(l) };
  }
  if (l.state === 'replayed' && (!l.origin || l.origin === chosen))
    return { state: 'replayed', why: whyOf(l) };
  if (sparks.length) return { state: 'replayed', why: '' };
  return { state: 'absent', why: `the world ${chosen} brings nothing for this layer` };
}

function whyOf(l: LayerStatus): string {
  if (l.why) return l.why;
  if (l.state === 'stale') return `last seen ${clock(timeOf(l.last))}`;
  const bad = l.sources.find((s) => s.state !== 'live' && s.detail);
  return l.state === 'absent' ? (bad?.detail ?? 'no source') : '';
}

export function Strips() {
  const t = useStore(tick);
  const c = useStore(cursor);
  if (!t)
    return (
      <section class="panel strips" aria-busy="true">
        <p class="notice waiting">waiting for the first tick…</p>
      </section>
    );
  const now = timeOf(t.status.now) ?? Date.now() / 1000;
  return (
    <section class="panel strips" aria-label="Eight layers">
      <header>
        <h2>Eight layers, one clock</h2>
        <span class="muted num">{c.t === null ? 'last 15 minutes' : `at ${clock(c.t)}`}</span>
      </header>
      <ol>
        {kLayers.map((layer) => {
          const l = t.status.layers.find((x) => layerOf(x.layer)?.id === layer.id);
          return <Strip key={layer.id} layer={layer} status={l} t={t} now={now} at={c.t} />;
        })}
      </ol>
    </section>
  );
}

function Strip({
  layer,
  status,
  t,
  now,
  at,
}: {
  layer: Layer;
  status: LayerStatus | undefined;
  t: Tick;
  now: number;
  at: number | null;
}) {
  const told = sparksOf(t, status?.layer ?? layer.id);
  const asked = useLedgerSparks(
    layer.id === 'l8_cost' && !!status && told.length === 0,
    activeOrigins(t),
  );
  const sparks = told.length ? told : asked;
  const list = groups(sparks, layer);
  const s = status
    ? stateFor(status, t, sparks)
    : { state: 'absent', why: 'the server does not know this layer' };
  const measured = status?.signals.filter((x) => x.state !== 'absent').length ?? 0;
  const world = activeOrigins(t).find((o) => o !== 'live');
  return (
    <li class={`strip is-${s.state}`} data-layer={layer.id} style={{ '--hue': layerColour(layer) }}>
      <div class="who">
        <h3>
          <a href={href('sources', layer.id)}>
            <b>{layer.short}</b> {layer.name}
          </a>
        </h3>
        <p>{status?.question ?? layer.question}</p>
      </div>
      <div class="state">
        {s.state === 'replayed' ? (
          <Replayed origin={status?.origin ?? world ?? 'world'} short />
        ) : (
          <StateBadge state={s.state} title={s.why} />
        )}
        {s.state !== 'absent' && (
          <span class="muted num">
            {count(status?.entities ?? null)} {status?.entities === 1 ? 'entity' : 'entities'}
          </span>
        )}
        {status && s.state !== 'absent' && status.signals.length > 0 && (
          <span class="muted num">
            {measured}/{status.signals.length} signals
          </span>
        )}
      </div>
      {list.length ? (
        <div class="sparks">
          {list.map((g) => (
            <Mini key={g.origin + g.signal} g={g} layer={layer} now={now} at={at} />
          ))}
        </div>
      ) : s.state !== 'absent' ? (
        <Names layer={layer} fallback={s.why || 'fed; no signal of this layer draws a line yet'} />
      ) : (
        <p class="why">
          <span class="absent">not measured</span>: {s.why || 'no source'}
        </p>
      )}
    </li>
  );
}

function Mini({ g, layer, now, at }: { g: Group; layer: Layer; now: number; at: number | null }) {
  const lines = useMemo<Line[]>(
    () =>
      g.sparks.slice(0, 16).map((s) => ({
        label: s.entity,
        colour: layerVar(layer),
        points: s.points,
        alpha: g.sparks.length > 1 ? 0.75 : 1,
      })),
    [g],
  );
  const values = g.sparks.map((s) => valueAt(s.points, at)).filter((v): v is number => v !== null);
  const last = lastOf(g.sparks[0]!.points);
  const lo = Math.min(...values),
    hi = Math.max(...values);
  const a = shown(lo, g.unit),
    b = shown(hi, g.unit);
  return (
    <a
      class="spark"
      href={
        g.sparks[0]!.entity
          ? href('core', g.sparks[0]!.entity, { of: g.origin === 'live' ? undefined : g.origin })
          : href('overview')
      }
      title={`${g.signal} of ${g.sparks.length === 1 ? g.sparks[0]!.entity : `${g.sparks.length} entities`}${last ? `, last at ${clock(last[0])}` : ''}`}
    >
      <span class="name">
        <span>{shortName(g.signal)}</span>
        {g.origin !== 'live' && (
          <em class="tag-replayed" title={`replayed: ${g.origin}`}>
            replayed
          </em>
        )}
      </span>
      <Chart
        lines={lines}
        unit={g.unit}
        from={now - 900}
        to={now}
        height={30}
        group="strips"
        mini
        label={`${g.signal}, last 15 minutes`}
      />
      <span class="last">
        {values.length === 0 ? (
          <span class="absent">not measured</span>
        ) : values.length === 1 || (a.num === b.num && a.unit === b.unit) ? (
          <Value v={hi} unit={g.unit} />
        ) : (
          <span class="value">
            {a.unit === b.unit ? a.num : `${a.num} ${a.unit}`} – {b.num}
            <small> {b.unit}</small>
          </span>
        )}
      </span>
    </a>
  );
}
