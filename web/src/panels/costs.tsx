// SPDX-License-Identifier: Apache-2.0
// Who the money went to, by a key of the reader's choice, with the same classes as the bill.
import { useState } from 'preact/hooks';
import { ask, type Cost } from '../base/api';
import { useAsk } from '../base/ask';
import { billOf } from '../base/bill';
import { activeOrigins, tick } from '../base/live';
import { count, moneyText, num, percent } from '../base/number';
import { useStore } from '../base/store';
import { Choice, Failed, Id, Replayed, Section, Waiting } from '../widgets/small';

const kKeys = ['model', 'namespace', 'team', 'workload', 'tenant', 'device', 'node'] as const;

export function Costs({ range }: { range: string }) {
  const t = useStore(tick);
  const [by, pick] = useState<(typeof kKeys)[number]>('model');
  return (
    <Section
      title="Who the money went to"
      aside={<Choice label="group by" options={kKeys} value={by} onPick={pick} />}
    >
      {activeOrigins(t).map((o) => (
        <Table key={o} origin={o} by={by} range={range} />
      ))}
    </Section>
  );
}

function Table({ origin, by, range }: { origin: string; by: string; range: string }) {
  const asked = useAsk<Cost>(
    `costs|${origin}|${by}|${range}`,
    (s) => ask('cost', { from: `now-${range}`, to: 'now', by, origin }, s),
    20,
  );
  const c = asked.data;
  if (!c) return asked.error ? <Failed error={asked.error} /> : <Waiting />;
  const rows = [...(c.rows ?? [])].sort((a, b) => (num(b.cost) ?? 0) - (num(a.cost) ?? 0));
  const currency = c.currency ?? 'USD';
  const total = num(c.bill?.cost) ?? 0;
  if (!rows.length)
    return (
      <p class="notice">
        <Replayed origin={origin} /> nothing held a device in this time
        {total > 0 && `; ${moneyText(total, currency)} went to devices that nobody held`}
      </p>
    );
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>
              {by} <Replayed origin={origin} />
            </th>
            <th class="r">cost</th>
            <th class="wide">classes</th>
            <th class="r">of the bill</th>
            <th class="r">useful tokens</th>
            <th class="r">per million useful</th>
            <th class="r">per request</th>
            <th class="r">J/token</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, 50).map((r, i) => {
            const cost = num(r.cost);
            const b = billOf({ bill: { cost: r.cost }, rows: [r], currency });
            const name = String(r[by] ?? '');
            return (
              <tr key={i}>
                <td>
                  {name ? (
                    <Id>{name}</Id>
                  ) : (
                    <span class="absent">
                      {by === 'tenant' || by === 'model' ? `no ${by}` : 'not known'}
                    </span>
                  )}
                </td>
                <td class="r num">{moneyText(cost, currency)}</td>
                <td>
                  <div
                    class="bar thin"
                    role="img"
                    aria-label={b.parts
                      .map((p) => `${p.label} ${percent(p.cost, cost ?? 0)}`)
                      .join(', ')}
                  >
                    {b.parts.map((p) => (
                      <span
                        key={p.id}
                        class={`seg c-${p.colour}`}
                        style={{ flexGrow: String(Math.max(0.0001, p.cost / (cost || 1))) }}
                        title={`${p.label}: ${moneyText(p.cost, currency)}`}
                      />
                    ))}
                  </div>
                </td>
                <td class="r num">{percent(cost ?? 0, total)}</td>
                <td class="r num">
                  <Maybe v={num(r.tokens?.useful)} f={count} />
                </td>
                <td class="r num">
                  <Maybe v={num(r.cost_per_million?.useful)} f={(v) => moneyText(v, currency)} />
                </td>
                <td class="r num">
                  <Maybe v={num(r.cost_per_request)} f={(v) => moneyText(v, currency)} />
                </td>
                <td class="r num">
                  <Maybe v={num(r.joules_per_token)} f={(v) => v.toPrecision(3)} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Maybe({ v, f }: { v: number | null; f: (v: number) => string }) {
  return v === null ? <span class="absent">not measured</span> : <>{f(v)}</>;
}
