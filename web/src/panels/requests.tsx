// SPDX-License-Identifier: Apache-2.0
// Model calls, newest first; a row opens the waterfall of its trace.
import { useMemo, useState } from 'preact/hooks';
import { ask, type Request, type Span } from '../base/api';
import { requestsOf, spansOf, totalsOf } from '../base/read';
import { useAsk } from '../base/ask';
import { activeOrigins, isWorld, tick } from '../base/live';
import { count, duration_s, shownText } from '../base/number';
import { go, href } from '../base/route';
import { useStore } from '../base/store';
import { dateClock } from '../base/time';
import { Choice, Failed, Replayed, Section, Waiting } from '../widgets/small';

const kStatuses = ['all', 'ok', 'error', 'aborted'] as const;

export function Requests({ range }: { range: string }) {
  const t = useStore(tick);
  const origins = activeOrigins(t);
  const [status, pick] = useState<(typeof kStatuses)[number]>('all');
  const asked = useAsk(
    `requests|${origins.join()}|${range}|${status}`,
    async (s) => {
      const all = await Promise.all(
        origins.map(async (o) => {
          const answer = await ask(
            'requests',
            { from: `now-${range}`, to: 'now', status: status === 'all' ? '' : status, origin: o },
            s,
          );
          return { origin: o, rows: requestsOf(answer, o), totals: totalsOf(answer) };
        }),
      );
      return {
        rows: all.flatMap((a) => a.rows).sort((a, b) => (b.ts ?? 0) - (a.ts ?? 0)),
        totals: all.filter((a) => a.totals.length),
      };
    },
    5,
  );
  const rows: Request[] = asked.data?.rows ?? [];
  return (
    <Section
      title="Requests"
      aside={<Choice label="status" options={kStatuses} value={status} onPick={pick} />}
    >
      {asked.error && <Failed error={asked.error} />}
      {asked.data?.totals.map((o) => (
        <p key={o.origin} class="totals num">
          {o.totals.map((x) => (
            <span key={x.status}>
              <span class={`badge call-${x.status}`}>{x.status || 'unknown'}</span>{' '}
              <b>{count(x.calls)}</b>
              {x.output !== null && <small class="muted"> {count(x.output)} output tokens</small>}
            </span>
          ))}{' '}
          <Replayed origin={o.origin} />
        </p>
      ))}
      {!asked.data ? (
        !asked.error && <Waiting />
      ) : rows.length === 0 ? (
        <p class="notice">
          No {status === 'all' ? '' : status + ' '}request in this time. Calls appear when spans of
          an OpenTelemetry SDK, a gateway or an engine arrive at port 4317 or 4318.
        </p>
      ) : (
        <div class="scroll">
          <table class="rows">
            <thead>
              <tr>
                <th>time</th>
                <th>status</th>
                <th>model</th>
                <th>tenant</th>
                <th class="r">input</th>
                <th class="r">cached</th>
                <th class="r">output</th>
                <th class="r">queue</th>
                <th class="r">TTFT</th>
                <th class="r">per token</th>
                <th class="r">end to end</th>
                <th>useful</th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 200).map((r, i) => {
                const to = r.trace_id ? href('trace', r.trace_id) : '';
                return (
                  <tr key={r.trace_id + i} class={to ? 'link' : ''} onClick={() => to && go(to)}>
                    <td class="num">
                      {to ? <a href={to}>{dateClock(r.ts)}</a> : dateClock(r.ts)}{' '}
                      <Replayed origin={r.origin} short />
                    </td>
                    <td>
                      <span class={`badge call-${r.status}`}>{r.status || 'unknown'}</span>
                      {r.finish_reason === 'length' && <small class="muted"> truncated</small>}
                    </td>
                    <td>{r.model || <span class="absent">not told</span>}</td>
                    <td>{r.tenant || <span class="absent">not told</span>}</td>
                    <Tokens v={r.input} source={r.token_source} />
                    <Tokens v={r.cached} source={r.token_source} />
                    <Tokens v={r.output} source={r.token_source} />
                    <Seconds v={r.queue_s} />
                    <Seconds v={r.ttft_s} />
                    <Seconds v={r.tpot_s} />
                    <Seconds v={r.e2e_s} />
                    <td>
                      {r.useful === null ? (
                        <span class="absent">not assessed</span>
                      ) : r.useful ? (
                        'yes'
                      ) : (
                        'no'
                      )}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          {rows.length > 200 && <p class="muted">the newest 200 of {count(rows.length)}</p>}
        </div>
      )}
    </Section>
  );
}

function Tokens({ v, source }: { v: number | null; source: string }) {
  return (
    <td class="r num" title={source ? `counted by: ${source}` : undefined}>
      {v === null ? (
        <span class="absent dash" title="not measured">
          –
        </span>
      ) : (
        <>
          {source === 'estimated' && '≈ '}
          {count(v)}
        </>
      )}
    </td>
  );
}
function Seconds({ v }: { v: number | null }) {
  return (
    <td class="r num">
      {v === null ? (
        <span class="absent dash" title="not measured">
          –
        </span>
      ) : (
        shownText(v, 's')
      )}
    </td>
  );
}

// ---- The waterfall

interface Row {
  span: Span;
  depth: number;
}
function tree(spans: Span[]): Row[] {
  const ids = new Set(spans.map((s) => s.id));
  const children = new Map<string, Span[]>();
  const sorted = [...spans].sort((a, b) => a.start - b.start);
  for (const s of sorted) {
    const parent = ids.has(s.parent) && s.parent !== s.id ? s.parent : '';
    children.set(parent, [...(children.get(parent) ?? []), s]);
  }
  const out: Row[] = [];
  const seen = new Set<string>();
  const walk = (id: string, depth: number) => {
    for (const s of children.get(id) ?? []) {
      if (seen.has(s.id)) continue;
      seen.add(s.id);
      out.push({ span: s, depth });
      walk(s.id, depth + 1);
    }
  };
  walk('', 0);
  for (const s of sorted) if (!seen.has(s.id)) out.push({ span: s, depth: 0 });
  return out;
}

// Phases that an engine reports as durations: drawn inside its span in the order in which they happen.
const kPhases: [string, string][] = [
  ['gen_ai.latency.time_in_queue', 'queue'],
  ['gen_ai.latency.time_in_model_prefill', 'prefill'],
  ['gen_ai.latency.time_in_model_decode', 'decode'],
];
const kShown = /^gen_ai\.|^tenant|^user\.|^http\.response|^error|^server\.|^llm\./;

export function Trace({ id }: { id: string }) {
  const asked = useAsk<Span[]>(`trace|${id}`, async (s) =>
    spansOf(await ask(`traces/${encodeURIComponent(id)}`, { origin: 'all' }, s)),
  );
  const rows = useMemo(() => tree(asked.data ?? []), [asked.data]);
  const [open, setOpen] = useState<string | null>(null);
  if (!asked.data) return asked.error ? <Failed error={asked.error} /> : <Waiting />;
  if (!rows.length)
    return (
      <p class="notice">
        No span of trace <code>{id}</code> is kept (spans live 15 days).
      </p>
    );
  const from = Math.min(...rows.map((r) => r.span.start)),
    to = Math.max(...rows.map((r) => r.span.start + r.span.duration));
  const width = Math.max(1e-9, to - from);
  const x = (t: number) => `${((t - from) / width) * 100}%`;
  const services = [...new Set(rows.map((r) => r.span.service))];
  const hue = (s: string) => `var(--alt${(services.indexOf(s) % 5) + 1})`;
  const phased = rows.some((r) => kPhases.some(([k]) => r.span.attributes[k]));
  const world = rows.find((r) => isWorld(r.span.origin))?.span.origin;
  const show = (s: number) => {
    const d = duration_s(s);
    return `${d.num} ${d.unit}`;
  };
  return (
    <div class="waterfall">
      <header class="muted num">
        {rows.length} {rows.length === 1 ? 'span' : 'spans'} · {show(width)} · {dateClock(from)} ·{' '}
        {services.map((s) => (
          <span key={s} class="svc">
            <i style={{ background: hue(s) }} />
            {s || 'no service name'}
          </span>
        ))}
        {phased && (
          <span class="svc">
            <i class="phase queue" />
            queue
          </span>
        )}
        {phased && (
          <span class="svc">
            <i class="phase prefill" />
            prefill
          </span>
        )}
        {phased && (
          <span class="svc">
            <i class="mark" />
            first token
          </span>
        )}
        <Replayed origin={world} />
      </header>
      <div class="axis num" aria-hidden="true">
        <span>0</span>
        <span>{show(width / 4)}</span>
        <span>{show(width / 2)}</span>
        <span>{show((width * 3) / 4)}</span>
        <span>{show(width)}</span>
      </div>
      <ol>
        {rows.map(({ span: s, depth }) => {
          const bad = /error/i.test(s.status);
          let at = s.start;
          const phases = kPhases
            .map(([key, name]) => {
              const d = Number(s.attributes[key]);
              if (!(d > 0)) return null;
              const p = { name, from: at, d };
              at += d;
              return p;
            })
            .filter((p) => p !== null);
          const ttft = Number(
            s.attributes['gen_ai.latency.time_to_first_token'] ??
              s.attributes['gen_ai.response.time_to_first_chunk'],
          );
          return (
            <li key={s.id} class={bad ? 'bad' : ''}>
              <button
                type="button"
                aria-expanded={open === s.id}
                onClick={() => setOpen(open === s.id ? null : s.id)}
              >
                <span class="span-name" style={{ paddingLeft: `${depth * 16}px` }}>
                  {s.name}
                  <small class="muted"> {s.kind.replace(/^SPAN_KIND_/i, '').toLowerCase()}</small>
                </span>
                <span class="span-lane">
                  <span
                    class="span-bar"
                    style={{
                      left: x(s.start),
                      width: `max(3px, ${(s.duration / width) * 100}%)`,
                      '--hue': hue(s.service),
                    }}
                  >
                    {phases.map((p) => (
                      <i
                        key={p.name}
                        class={`phase ${p.name}`}
                        style={{
                          left: `${((p.from - s.start) / (s.duration || 1e-9)) * 100}%`,
                          width: `${(p.d / (s.duration || 1e-9)) * 100}%`,
                        }}
                        title={`${p.name} ${show(p.d)}`}
                      />
                    ))}
                  </span>
                  {ttft > 0 && (
                    <span
                      class="ttft"
                      style={{ left: x(s.start + ttft) }}
                      title={`first token after ${show(ttft)}`}
                    />
                  )}
                  {s.events.map(
                    (e, i) =>
                      e.time !== null && (
                        <span
                          key={i}
                          class="span-event"
                          style={{ left: x(e.time) }}
                          title={e.name}
                        />
                      ),
                  )}
                </span>
                <span class="num span-dur">
                  {show(s.duration)}
                  {bad && ' ✕'}
                </span>
              </button>
              {open === s.id && (
                <dl class="attrs">
                  {s.message && (
                    <div>
                      <dt>status</dt>
                      <dd>{s.message}</dd>
                    </div>
                  )}
                  {phases.map((p) => (
                    <div key={p.name}>
                      <dt>{p.name}</dt>
                      <dd class="num">{show(p.d)}</dd>
                    </div>
                  ))}
                  {Object.entries(s.attributes)
                    .sort(
                      ([a], [b]) =>
                        Number(kShown.test(b)) - Number(kShown.test(a)) || a.localeCompare(b),
                    )
                    .map(([k, v]) => (
                      <div key={k}>
                        <dt>{k}</dt>
                        <dd>{v}</dd>
                      </div>
                    ))}
                </dl>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}
