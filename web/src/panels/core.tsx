// SPDX-License-Identifier: Apache-2.0
// The core sample: eight layers of one entity, one above the other on one clock, with what happened marked on it.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { belongsToControl } from '../base/keys';
import type { Core, CoreEvent, CoreLayer, CoreSignal, Finding } from '../base/api';
import { cursor, lastOf, valueAt } from '../base/cursor';
import { kLayers, layerColour, layerOf, layerVar, seriesVar, type Layer } from '../base/layers';
import { useStore } from '../base/store';
import { clock, dateClock } from '../base/time';
import { Chart, Value, type Line, type Mark } from '../widgets/chart';
import { Replayed, shortId } from '../widgets/small';
import { symptomText } from './findings';

export interface Happening {
  t: number;
  to?: number;
  kind: 'event' | 'finding';
  layer: Layer | undefined;
  text: string;
  detail: string;
  bad: boolean;
}

function happenings(core: Core, to: number): Happening[] {
  const out: Happening[] = [];
  const seen = new Set<string>();
  for (const l of core.layers) {
    const layer = layerOf(l.layer);
    for (const e of l.events as CoreEvent[])
      if (e.time !== null)
        out.push({
          t: e.time,
          kind: 'event',
          layer,
          text: e.event,
          detail: [e.message, e.entity].filter(Boolean).join(' · '),
          bad: /err|fatal|crit|warn/i.test(e.severity),
        });
    for (const f of l.findings as Finding[]) {
      if (f.opened === null || seen.has(f.key)) continue;
      seen.add(f.key);
      out.push({
        t: f.opened,
        to: f.closed ?? to,
        kind: 'finding',
        layer,
        text: symptomText(f.symptom),
        detail: f.causes[0]?.text ?? f.causes[0]?.cause ?? 'cause unknown',
        bad: true,
      });
    }
  }
  return out.sort((a, b) => a.t - b.t);
}

interface Props {
  core: Core;
  from: number;
  to: number;
  onZoom: (from: number, to: number) => void;
  world?: string;
}

export function CoreSample({ core, from, to, onZoom, world }: Props) {
  const c = useStore(cursor);
  const what = useMemo(() => happenings(core, to), [core, to]);
  const step = Math.max(1, (to - from) / 120);
  // The time axis stands under the last layer that has a chart.
  const drawn = kLayers.filter((k) =>
    core.layers.some(
      (l) =>
        layerOf(l.layer)?.id === k.id && l.signals.some((s) => s.points.some((p) => p[1] !== null)),
    ),
  );
  const bottom = drawn[drawn.length - 1];
  const onKey = (e: KeyboardEvent) => {
    if (belongsToControl(e)) return;
    const now = cursor.get().t ?? to;
    const next = { ArrowLeft: now - step, ArrowRight: now + step, Home: from, End: to }[e.key];
    if (e.key === 'Escape') cursor.set({ t: null, by: 'keys' });
    else if (next !== undefined) {
      cursor.set({ t: Math.min(to, Math.max(from, next)), by: 'keys' });
      e.preventDefault();
    }
  };
  useEffect(() => () => cursor.set({ t: null, by: 'keys' }), []);
  return (
    <div
      class="core"
      tabIndex={0}
      onKeyDown={onKey}
      aria-label="Core sample; arrow keys move the cursor"
      role="group"
    >
      <Lane what={what} from={from} to={to} at={c.t} />
      <ol>
        {kLayers.map((layer) => {
          const l = core.layers.find((x) => layerOf(x.layer)?.id === layer.id);
          return (
            <LayerRow
              key={layer.id}
              layer={layer}
              l={l}
              from={from}
              to={to}
              at={c.t}
              what={what}
              onZoom={onZoom}
              last={layer === bottom}
              world={world}
            />
          );
        })}
      </ol>
      <What what={what} />
    </div>
  );
}

// Events as ticks, findings as bars, on the charts' own time axis.
function Lane({
  what,
  from,
  to,
  at,
}: {
  what: Happening[];
  from: number;
  to: number;
  at: number | null;
}) {
  const x = (t: number) => `${Math.min(100, Math.max(0, ((t - from) / (to - from)) * 100))}%`;
  const inside = what.filter((h) => h.t <= to && (h.to ?? h.t) >= from);
  return (
    <div class="lane">
      <div class="lane-label muted">events and findings</div>
      <div class="lane-axis" aria-label={`${inside.length} events and findings`}>
        {inside.map((h, i) =>
          h.kind === 'finding' ? (
            <span
              key={i}
              class="bar-finding"
              style={{ left: x(h.t), width: `calc(${x(h.to ?? to)} - ${x(h.t)})` }}
              title={`${clock(h.t)} ${h.text}: ${h.detail}`}
            >
              <em>{h.text}</em>
            </span>
          ) : (
            <span
              key={i}
              class={`tick-event ${h.bad ? 'bad' : ''}`}
              style={{ left: x(h.t), '--hue': layerColour(h.layer) }}
              title={`${clock(h.t)} ${h.text} ${h.detail}`}
            />
          ),
        )}
        {at !== null && <span class="now-line" style={{ left: x(at) }} />}
      </div>
      <div class="lane-time num">
        {at === null ? `${dateClock(from)} – ${dateClock(to)}` : dateClock(at)}
      </div>
    </div>
  );
}

interface Group {
  signal: string;
  unit: string;
  series: CoreSignal[];
}

function LayerRow({
  layer,
  l,
  from,
  to,
  at,
  what,
  onZoom,
  last,
  world,
}: {
  layer: Layer;
  l: CoreLayer | undefined;
  from: number;
  to: number;
  at: number | null;
  what: Happening[];
  onZoom: Props['onZoom'];
  last: boolean;
  world?: string;
}) {
  const [picked, pick] = useState<string | null>(null);
  const groups = useMemo(() => {
    const by = new Map<string, Group>();
    for (const s of l?.signals ?? []) {
      if (!s.points.some((p) => p[1] !== null)) continue;
      const g = by.get(s.signal) ?? { signal: s.signal, unit: s.unit, series: [] };
      g.series.push(s);
      by.set(s.signal, g);
    }
    const rank = (g: Group) => {
      const i = layer.key.indexOf(g.signal);
      return i < 0 ? 99 : i;
    };
    return [...by.values()]
      .map((g, i) => ({ g, i }))
      .sort((a, b) => rank(a.g) - rank(b.g) || a.i - b.i)
      .map((x) => x.g);
  }, [l]);
  const current = groups.find((g) => g.signal === picked) ?? groups[0];
  const lines = useMemo<Line[]>(
    () =>
      (current?.series ?? []).slice(0, 12).map((s, i) => ({
        label: s.entity,
        colour: seriesVar(layer, i),
        points: s.points,
        alpha: i < 5 ? 1 : 0.55,
      })),
    [current],
  );
  const marks = useMemo<Mark[]>(
    () =>
      what.map((h) => ({
        from: h.t,
        to: h.kind === 'finding' ? h.to : undefined,
        colour: h.kind === 'finding' ? '--bad' : h.bad ? '--warn' : layerVar(h.layer),
      })),
    [what],
  );
  return (
    <li
      class={`core-layer ${current ? '' : 'is-empty'}`}
      data-layer={layer.id}
      style={{ '--hue': layerColour(layer) }}
    >
      <div class="who">
        <h3>
          <b>{layer.short}</b> {layer.name} {current && <Replayed origin={world} short />}
        </h3>
        <p>{l?.question ?? layer.question}</p>
        {l && l.entities.length > 0 && (
          <p class="stood" title={l.entities.join('\n')}>
            {l.entities.slice(0, 3).map(shortId).join(', ')}
            {l.entities.length > 3 && ` and ${l.entities.length - 3} more`}
          </p>
        )}
      </div>
      {current ? (
        <div class="plot">
          <Chart
            lines={lines}
            unit={current.unit}
            from={from}
            to={to}
            height={last ? 118 : 96}
            group="core"
            marks={marks}
            axis={last}
            onZoom={onZoom}
            label={`${layer.short} ${current.signal}`}
          />
        </div>
      ) : (
        <p class="why">
          <span class="absent">not measured</span>
          {l?.why
            ? `: ${l.why}`
            : l
              ? ': nothing of this layer stood over or under this entity in this time'
              : ': the answer has no such layer'}
        </p>
      )}
      {current && (
        <ul class="signals" aria-label={`${layer.name} signals`}>
          {groups.map((g) => (
            <SignalLine
              key={g.signal}
              g={g}
              on={g === current}
              at={at}
              palette={g === current ? lines : []}
              onPick={() => pick(g.signal)}
            />
          ))}
        </ul>
      )}
    </li>
  );
}

function SignalLine({
  g,
  on,
  at,
  palette,
  onPick,
}: {
  g: Group;
  on: boolean;
  at: number | null;
  palette: Line[];
  onPick: () => void;
}) {
  const values = g.series.map((s) => valueAt(s.points, at));
  const several = new Set(g.series.map((s) => s.entity)).size > 1;
  const known = values.filter((v): v is number => v !== null);
  const hi = known.length ? Math.max(...known) : null,
    lo = known.length ? Math.min(...known) : null;
  return (
    <li class={on ? 'on' : ''}>
      <button
        type="button"
        aria-pressed={on}
        onClick={onPick}
        title={on ? undefined : 'draw this signal'}
      >
        <code>{g.signal}</code>
        {g.series.length === 1 || !on ? (
          <span class="num">
            {lo !== null && hi !== null && lo !== hi && (
              <>
                <Value v={lo} unit={g.unit} /> –{' '}
              </>
            )}
            <Value
              v={hi}
              unit={g.unit}
              absent={at !== null && lastOf(g.series[0]!.points) ? '–' : undefined}
            />
          </span>
        ) : null}
      </button>
      {on && g.series.length > 1 && (
        <ul>
          {g.series.slice(0, 12).map((s, i) => (
            <li key={i}>
              <i style={{ background: `var(${palette[i]?.colour ?? '--muted'})` }} />
              <span title={`${s.entity} ${s.label}`}>
                {several
                  ? [shortId(s.entity), s.label].filter(Boolean).join(' ')
                  : s.label || shortId(s.entity)}
              </span>
              <span class="num">
                <Value v={values[i]} unit={g.unit} absent="–" />
              </span>
            </li>
          ))}
          {g.series.length > 12 && <li class="muted">and {g.series.length - 12} more</li>}
        </ul>
      )}
    </li>
  );
}

function What({ what }: { what: Happening[] }) {
  if (!what.length) return <p class="notice">No event and no finding in this time.</p>;
  return (
    <details class="what">
      <summary>{what.length} events and findings in words</summary>
      <table>
        <tbody>
          {what.map((h, i) => (
            <tr key={i}>
              <td class="num">{dateClock(h.t)}</td>
              <td>{h.layer?.short}</td>
              <td>{h.kind === 'finding' ? <b>{h.text}</b> : <code>{h.text}</code>}</td>
              <td>{h.detail}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
