// SPDX-License-Identifier: Apache-2.0
// One question a person has per page.
import { useMemo, useState } from 'preact/hooks';
import { ask, type Core, type Finding, type Why } from '../base/api';
import { catalogOf, coreOf, findingsOf, whyOf } from '../base/read';
import { useAsk } from '../base/ask';
import { kLayers, layerColour, layerOf } from '../base/layers';
import { activeOrigins, isWorld, knownOrigins, openFindings, tick } from '../base/live';
import { go, goWith, href, type Route } from '../base/route';
import { useStore } from '../base/store';
import { resolveTime, stepFor } from '../base/time';
import { Costs } from '../panels/costs';
import { CoreSample } from '../panels/core';
import { CauseCard, FindingCard, symptomText } from '../panels/findings';
import { Headline } from '../panels/headline';
import { Picker, typeRank, useEntities } from '../panels/picker';
import { Requests, Trace } from '../panels/requests';
import { Sources } from '../panels/sources';
import { Strips } from '../panels/strips';
import { Failed, Replayed, Section, useNow, Waiting } from '../widgets/small';

export const kRanges = ['15m', '1h', '6h', '24h', '7d'] as const;

export function Overview({ range }: { range: string }) {
  const t = useStore(tick);
  const open = openFindings(t);
  return (
    <>
      <Headline range={range} />
      <Section
        title="Findings"
        id="findings"
        aside={<a href={href('findings')}>all findings and why</a>}
      >
        {!t ? (
          <Waiting />
        ) : open.length === 0 ? (
          <p class="notice good">
            No open finding. What is not measured cannot be found: see{' '}
            <a href={href('sources')}>sources</a>.
          </p>
        ) : (
          open.slice(0, 5).map((f) => <FindingCard key={f.key} f={f} />)
        )}
        {open.length > 5 && (
          <p class="muted">
            <a href={href('findings')}>{open.length - 5} more</a>
          </p>
        )}
      </Section>
      <Strips />
      <Costs range={range} />
    </>
  );
}

export function CorePage({ r, range }: { r: Route; range: string }) {
  const entities = useEntities();
  const now = useNow(5000);
  const t = useStore(tick);
  const of = r.query.of ?? entities.list.find((e) => e.key === r.arg)?.origin ?? 'live';
  const fromText = r.query.from ?? `now-${range}`,
    toText = r.query.to ?? 'now';
  const moving = toText === 'now';
  const to = resolveTime(toText, now),
    from = resolveTime(fromText, now);
  const valid = from !== null && to !== null && from < to;
  const step = valid ? stepFor(to - from) : 60;
  // A span in seconds, not a moment, is the question: a moving window asks again by timer.
  const asked = useAsk<Core | null>(
    `core|${r.arg}|${of}|${fromText}|${toText}`,
    async (s) => {
      if (!r.arg || !valid) return null;
      return coreOf(
        await ask(
          'core',
          { entity: r.arg, from: fromText, to: toText, step: `${step}s`, origin: of },
          s,
        ),
        of,
      );
    },
    moving && valid && r.arg ? (to - from <= 7200 ? 5 : 30) : 0,
  );
  const core = asked.data;
  const lo = !moving && core?.from ? core.from : from,
    hi = !moving && core?.to ? core.to : to;
  const known = entities.list.find((e) => e.key === r.arg && e.origin === of);
  return (
    <>
      <Section
        title={
          r.arg ? (
            <>
              Core sample <code class="entity">{r.arg}</code> <Replayed origin={of} />
            </>
          ) : (
            'Core sample'
          )
        }
        aside={
          (r.query.from || r.query.to) && (
            <button type="button" onClick={() => goWith({ from: undefined, to: undefined })}>
              back to the last {range}
            </button>
          )
        }
      >
        <Picker
          value={r.arg}
          entities={entities.list}
          busy={entities.busy}
          onPick={(e) =>
            go(
              href('core', e.key, {
                of: isWorld(e.origin) ? e.origin : undefined,
                from: r.query.from,
                to: r.query.to,
              }),
            )
          }
        />
        {known && Object.keys(known.attributes).length > 0 && (
          <p class="attributes muted">
            {Object.entries(known.attributes)
              .slice(0, 8)
              .map(([k, v]) => (
                <span key={k}>
                  {k} <b>{v}</b>
                </span>
              ))}
          </p>
        )}
        {!valid && (
          <p class="notice error">
            from must lie before to, as now-15m, unix seconds or RFC 3339; here: from={fromText},
            to={toText}
          </p>
        )}
        {entities.error && <p class="notice error">{entities.error}</p>}
        {asked.error && <Failed error={asked.error} />}
        {r.arg &&
          valid &&
          lo !== null &&
          hi !== null &&
          (core ? (
            <CoreSample
              key={r.arg}
              core={core}
              from={lo}
              to={hi}
              world={isWorld(of) ? of : undefined}
              onZoom={(a, b) => goWith({ from: a.toFixed(0), to: b.toFixed(0) }, false)}
            />
          ) : (
            !asked.error && <Waiting />
          ))}
      </Section>
      {!r.arg && <EntityIndex list={entities.list} busy={entities.busy || !t} />}
    </>
  );
}

function EntityIndex({
  list,
  busy,
}: {
  list: ReturnType<typeof useEntities>['list'];
  busy: boolean;
}) {
  const types = useMemo(
    () => [...new Set(list.map((e) => e.type))].sort((a, b) => typeRank(a) - typeRank(b)),
    [list],
  );
  if (!list.length)
    return <p class="notice">{busy ? 'asking for entities…' : 'No entity has been seen yet.'}</p>;
  return (
    <div class="index">
      {types.map((type) => {
        const of = list.filter((e) => e.type === type);
        return (
          <section class="panel" key={type} aria-label={type}>
            <header>
              <h2>{type}</h2>
              <span class="muted num">{of.length}</span>
            </header>
            <ul>
              {of.slice(0, 12).map((e) => (
                <li key={e.origin + e.key}>
                  <a href={href('core', e.key, { of: isWorld(e.origin) ? e.origin : undefined })}>
                    {e.name || e.key}
                  </a>{' '}
                  <Replayed origin={e.origin} short />
                </li>
              ))}
              {of.length > 12 && <li class="muted">and {of.length - 12} more: search above</li>}
            </ul>
          </section>
        );
      })}
    </div>
  );
}

export function FindingsPage({ range }: { range: string }) {
  const t = useStore(tick);
  const origins = activeOrigins(t);
  const span = range === '15m' || range === '1h' ? '24h' : range;
  const asked = useAsk<Finding[]>(
    `findings|${origins.join()}|${span}`,
    async (s) =>
      (
        await Promise.all(
          origins.map(async (o) =>
            findingsOf(await ask('findings', { from: `now-${span}`, to: 'now', origin: o }, s), o),
          ),
        )
      ).flat(),
    5,
  );
  return (
    <>
      {origins.map((o) => (
        <WhyNow key={o} origin={o} />
      ))}
      <Section
        title={`Findings of the last ${span === '24h' ? '24 hours' : span === '7d' ? '7 days' : span}`}
        aside={<span class="muted num">{asked.data?.length ?? ''}</span>}
      >
        {asked.error && <Failed error={asked.error} />}
        {!asked.data ? (
          !asked.error && <Waiting />
        ) : asked.data.length === 0 ? (
          <p class="notice good">Nothing was found in this time.</p>
        ) : (
          asked.data.map((f, i) => (
            <FindingCard key={f.key} f={f} open={i === 0 && f.closed === null} />
          ))
        )}
      </Section>
    </>
  );
}

function WhyNow({ origin }: { origin: string }) {
  const asked = useAsk<Why>(
    `why|${origin}`,
    async (s) => whyOf(await ask('why', { origin }, s), origin),
    10,
  );
  const w = asked.data;
  return (
    <Section
      title={
        <>
          Why, right now <Replayed origin={origin} />
        </>
      }
      aside={
        w && (
          <span
            class={`verdict ${w.verdict === 'healthy' ? 'good' : w.verdict === 'unknown' ? 'unknown' : 'bad'}`}
          >
            {w.verdict}
          </span>
        )
      }
    >
      {!w ? (
        asked.error ? (
          <Failed error={asked.error} />
        ) : (
          <Waiting />
        )
      ) : (
        <>
          {w.verdict === 'healthy' && <p class="notice good">No symptom on what is measured.</p>}
          {w.verdict === 'unknown' && (
            <p class="notice">
              {w.findings.length
                ? 'There is a symptom, and no cause has the evidence it needs.'
                : 'Too little is measured to say that all is well.'}
            </p>
          )}
          {w.findings.length > 0 && (
            <p class="notice">
              {w.findings
                .map((f) => symptomText(f.symptom))
                .filter((x, i, all) => all.indexOf(x) === i)
                .join(' · ')}
            </p>
          )}
          {w.causes.length > 0 && (
            <details class="what">
              <summary>
                {w.causes.length} {w.causes.length === 1 ? 'cause' : 'causes'} tried, best first
              </summary>
              <ol class="causes">
                {w.causes.slice(0, 8).map((c, i) => (
                  <CauseCard key={c.cause + i} c={c} rank={i + 1} />
                ))}
              </ol>
            </details>
          )}
          {w.not_assessed.length > 0 && (
            <details class="what">
              <summary>
                {w.not_assessed.length}{' '}
                {w.not_assessed.length === 1
                  ? 'signal that would have helped was'
                  : 'signals that would have helped were'}{' '}
                not measured
              </summary>
              <ul class="plain">
                {w.not_assessed.map((x, i) => (
                  <li key={i}>
                    <code>{x.signal}</code> {x.entity && <span class="muted">{x.entity}</span>}{' '}
                    <span class="absent">not measured{x.why ? `: ${x.why}` : ''}</span>
                  </li>
                ))}
              </ul>
            </details>
          )}
        </>
      )}
    </Section>
  );
}

export function RequestsPage({ range }: { range: string }) {
  return <Requests range={range} />;
}

export function TracePage({ id }: { id: string }) {
  const t = useStore(tick);
  return (
    <Section
      title={
        <>
          Trace <code class="entity">{id}</code>
        </>
      }
      aside={<a href={href('requests')}>requests</a>}
    >
      {t && knownOrigins(t).length >= 1 ? <Trace id={id} /> : <Waiting />}
    </Section>
  );
}

export function SourcesPage({ layer }: { layer: string }) {
  return <Sources layer={layer} />;
}

export function CatalogPage({ r }: { r: Route }) {
  const asked = useAsk('catalog', async (s) => catalogOf(await ask('catalog', {}, s)));
  const [text, setText] = useState(r.arg);
  const t = useStore(tick);
  const state = useMemo(
    () =>
      new Map(
        t?.status.layers.flatMap((l) => l.signals.map((s) => [s.signal, s.state] as const)) ?? [],
      ),
    [t],
  );
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = (asked.data ?? []).filter((s) =>
    words.every((w) =>
      `${s.layer} ${s.signal} ${s.meaning} ${s.otel} ${s.sources.join(' ')}`
        .toLowerCase()
        .includes(w),
    ),
  );
  return (
    <Section
      title="Catalog"
      aside={
        <>
          <input
            type="search"
            aria-label="search the catalog"
            placeholder="signal, meaning, source…"
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <span class="muted num">
            {rows.length} of {asked.data?.length ?? '…'}
          </span>
        </>
      }
    >
      {!asked.data ? (
        asked.error ? (
          <Failed error={asked.error} />
        ) : (
          <Waiting />
        )
      ) : (
        <div class="scroll">
          <table class="catalog">
            <thead>
              <tr>
                <th>layer</th>
                <th>signal</th>
                <th>unit</th>
                <th>kind</th>
                <th>entity</th>
                <th>state</th>
                <th>meaning</th>
                <th>sources</th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 400).map((s) => {
                const l = layerOf(s.layer) ?? kLayers[0];
                return (
                  <tr key={s.layer + s.signal} style={{ '--hue': layerColour(l) }}>
                    <td class="hued">{l?.short}</td>
                    <td>
                      <code>{s.signal}</code>
                      {s.otel && s.otel !== s.signal && (
                        <>
                          <br />
                          <small class="muted">{s.otel}</small>
                        </>
                      )}
                    </td>
                    <td>{s.unit}</td>
                    <td>{s.kind}</td>
                    <td>{s.entity}</td>
                    <td>
                      {state.get(s.signal) === 'absent' ? (
                        <span class="absent">not measured</span>
                      ) : (
                        (state.get(s.signal) ?? '')
                      )}
                    </td>
                    <td>{s.meaning}</td>
                    <td class="muted">
                      <small>
                        {s.sources.slice(0, 6).join(', ')}
                        {s.sources.length > 6 && ` and ${s.sources.length - 6} more`}
                      </small>
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
