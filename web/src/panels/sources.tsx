// SPDX-License-Identifier: Apache-2.0
// Where everything comes from, how old it is, and for each layer what is not measured and why.
import { kLayers, layerColour, layerOf } from '../base/layers';
import { activeOrigins, chosenOrigin, isWorld, tick } from '../base/live';
import { count } from '../base/number';
import { useStore } from '../base/store';
import { Age, Replayed, Section, StateBadge, Waiting } from '../widgets/small';

export function Sources({ layer: only }: { layer: string }) {
  const t = useStore(tick);
  if (!t)
    return (
      <Section title="Sources">
        <Waiting />
      </Section>
    );
  const chosen = chosenOrigin(t),
    active = activeOrigins(t);
  const rows = t.status.layers
    .flatMap((l) => l.sources.map((s) => ({ l, s })))
    .filter(({ s }) => chosen === 'all' || active.includes(s.origin || 'live'))
    .filter(({ l }) => !only || layerOf(l.layer)?.id === layerOf(only)?.id);
  const refused = Object.entries(t.status.ingest?.refused ?? {}).filter(([, n]) => n > 0);
  const i = t.status.ingest;
  return (
    <>
      <Section
        title={
          only
            ? `Sources of ${layerOf(only)?.short ?? ''} ${layerOf(only)?.name ?? only}`
            : 'Sources'
        }
        aside={
          only ? (
            <a href="#/sources">all layers</a>
          ) : (
            <span class="muted">{rows.length} sources</span>
          )
        }
      >
        {rows.length === 0 ? (
          <p class="notice">
            No source has told its state yet. <code>strata doctor</code> says what could be
            connected.
          </p>
        ) : (
          <div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>layer</th>
                  <th>source</th>
                  <th>state</th>
                  <th class="r">last</th>
                  <th>detail</th>
                </tr>
              </thead>
              <tbody>
                {rows.map(({ l, s }) => {
                  const layer = layerOf(l.layer);
                  return (
                    <tr
                      key={l.layer + s.name + (s.origin ?? '')}
                      style={{ '--hue': layerColour(layer) }}
                    >
                      <td class="hued">
                        {layer?.short} {layer?.name}
                      </td>
                      <td>
                        <code>{s.name}</code>
                      </td>
                      <td>
                        {isWorld(s.origin) ? (
                          <>
                            <Replayed origin={s.origin} />
                            {s.state !== 'live' && (
                              <>
                                {' '}
                                <StateBadge state={s.state} />
                              </>
                            )}
                          </>
                        ) : (
                          <StateBadge state={s.state} />
                        )}
                      </td>
                      <td class="r">
                        {s.last ? <Age at={s.last} /> : <span class="absent">never</span>}
                      </td>
                      <td class="muted">{s.detail}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
      </Section>
      <Section title="What is measured, layer by layer">
        <div class="coverage">
          {kLayers
            .filter((k) => !only || k.id === layerOf(only)?.id)
            .map((k) => {
              const l = t.status.layers.find((x) => layerOf(x.layer)?.id === k.id);
              const measured = l?.signals.filter((s) => s.state !== 'absent') ?? [],
                absent = l?.signals.filter((s) => s.state === 'absent') ?? [];
              return (
                <details key={k.id} style={{ '--hue': layerColour(k) }} open={!!only}>
                  <summary>
                    <b>{k.short}</b> {k.name}{' '}
                    {l &&
                      (l.state === 'replayed' ? (
                        <Replayed origin={l.origin} short />
                      ) : (
                        <StateBadge state={l.state} />
                      ))}
                    <span
                      class="meter"
                      role="img"
                      aria-label={`${measured.length} of ${measured.length + absent.length} signals measured`}
                    >
                      {measured.length + absent.length > 0 && (
                        <i
                          style={{
                            width: `${(measured.length / (measured.length + absent.length)) * 100}%`,
                          }}
                        />
                      )}
                    </span>
                    <span class="num muted">
                      {measured.length} of {measured.length + absent.length} signals
                    </span>
                  </summary>
                  <ul>
                    {[...measured, ...absent].map((s) => (
                      <li key={s.signal} class={s.state}>
                        <code>{s.signal}</code>{' '}
                        {s.state === 'absent' ? (
                          <span class="absent">not measured{s.why ? `: ${s.why}` : ''}</span>
                        ) : (
                          <span class="muted">
                            {s.state}
                            {s.why ? `, ${s.why}` : ''}
                          </span>
                        )}
                      </li>
                    ))}
                    {!l && <li class="absent">the server does not know this layer</li>}
                  </ul>
                </details>
              );
            })}
        </div>
      </Section>
      {!only && (
        <Section title="What came in since the start">
          <dl class="facts wide">
            {(['samples', 'spans', 'logs', 'events'] as const).map((k) => (
              <div key={k}>
                <dt>{k}</dt>
                <dd class="num">
                  {i?.[k] === undefined ? <span class="absent">not measured</span> : count(i[k]!)}
                </dd>
              </div>
            ))}
            <div>
              <dt>refused</dt>
              <dd class="num">
                {refused.length
                  ? refused.map(([k, n]) => (
                      <span key={k} class="warn">
                        {k} {count(n)}{' '}
                      </span>
                    ))
                  : 'nothing'}
              </dd>
            </div>
            {t.status.engine && (
              <div>
                <dt>engine</dt>
                <dd>
                  {t.status.engine.ready ? (
                    'ready'
                  ) : (
                    <span class="warn">{t.status.engine.detail || 'not ready'}</span>
                  )}
                  {(t.status.engine.restarts ?? 0) > 0 && `, ${t.status.engine.restarts} restarts`}
                </dd>
              </div>
            )}
            {i?.store_error && (
              <div>
                <dt>store</dt>
                <dd class="warn">{i.store_error}</dd>
              </div>
            )}
          </dl>
        </Section>
      )}
    </>
  );
}
