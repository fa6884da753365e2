// SPDX-License-Identifier: Apache-2.0
// What a useful token cost, and the whole bill as one bar. One card per origin: money of two origins is never added.
import { ask, type Cost } from '../base/api';
import { useAsk } from '../base/ask';
import { billOf, classOf } from '../base/bill';
import { activeOrigins, headlineOf, isWorld, tick } from '../base/live';
import { moneyText, num, percent, prefixed, shownText } from '../base/number';
import { useStore } from '../base/store';
import { Failed, Replayed } from '../widgets/small';

// The API's headline is per token; people compare prices per million. One place, one factor.
export const kPerMillion = 1e6;
export const perMillion = (v: unknown): number | null => {
  const n = num(v);
  return n === null ? null : n * kPerMillion;
};

function whyAbsent(c: Cost | null): string {
  if (!c) return 'no minute has closed yet';
  const said = c.headline_why ?? (c as { headline_reason?: string }).headline_reason ?? c.why;
  if (said) return said;
  const total = num(c.bill?.cost);
  if (c.unpriced?.length && !total)
    return `no price for ${c.unpriced.map((u) => u.model ?? u.gpu).join(', ')}`;
  if (total === null || total === 0) return 'nothing was billed in this time';
  return 'no useful tokens were seen in this time';
}

const rangeName: Record<string, string> = {
  '15m': 'last 15 minutes',
  '1h': 'last hour',
  '6h': 'last 6 hours',
  '24h': 'last 24 hours',
  '7d': 'last 7 days',
};

export function Headline({ range }: { range: string }) {
  const t = useStore(tick);
  const origins = activeOrigins(t);
  return (
    <div class={`headlines n${origins.length}`}>
      {origins.map((o) => (
        <Card key={o} origin={o} range={range} />
      ))}
    </div>
  );
}

function Card({ origin, range }: { origin: string; range: string }) {
  const t = useStore(tick);
  const asked = useAsk<Cost>(
    `cost|${origin}|${range}`,
    (s) => ask('cost', { from: `now-${range}`, to: 'now', by: 'model', origin }, s),
    10,
  );
  // The tick brings the last hour fresh; other ranges come from the question.
  const fresh = range === '1h' ? headlineOf(t, origin) : null;
  const c = fresh ?? asked.data;
  const full = asked.data ?? fresh;
  const value = perMillion(c?.headline),
    loaded = perMillion(c?.headline_loaded);
  const currency = c?.currency ?? full?.currency ?? 'USD';
  const bound = c?.useful_bound === 'upper';
  return (
    <section
      class={`panel headline ${isWorld(origin) ? 'is-replayed' : ''}`}
      aria-label={`Cost per useful token, ${origin}`}
      data-origin={origin}
    >
      <div class="price">
        <h1>
          Cost per useful token <Replayed origin={origin} />
        </h1>
        {value === null ? (
          <p class="big absent" data-test="headline">
            not measured<small>{asked.busy && !c ? 'asking…' : whyAbsent(c)}</small>
          </p>
        ) : (
          <p class="big" data-test="headline">
            {bound && (
              <span
                class="bound"
                title="Some classes of waste cannot be seen here, so useful tokens are an upper bound and the cost a lower one"
              >
                at least{' '}
              </span>
            )}
            <span class="num">{moneyText(value, currency)}</span>
            <small>per million useful tokens</small>
          </p>
        )}
        <dl class="facts">
          <div>
            <dt title="with unallocated and unobserved time dealt over services and training">
              fully loaded
            </dt>
            <dd>
              {loaded === null ? (
                <span class="absent">not measured</span>
              ) : (
                moneyText(loaded, currency)
              )}
            </dd>
          </div>
          <Energy c={full} />
        </dl>
      </div>
      <div class="bill">
        {asked.error && !full ? (
          <Failed error={asked.error} />
        ) : (
          <BillBar cost={full} range={range} />
        )}
      </div>
    </section>
  );
}

function Energy({ c }: { c: Cost | null }) {
  const gpu = num(c?.bill?.gpu_hours),
    core = num(c?.bill?.core_hours),
    joules = num(c?.bill?.joules);
  return (
    <>
      <div>
        <dt>GPU time</dt>
        <dd>
          {gpu === null ? (
            <span class="absent">not measured</span>
          ) : gpu === 0 ? (
            'none billed'
          ) : (
            shownText(gpu * 3600, 's').replace(/ h$/, ' GPU-h')
          )}
        </dd>
      </div>
      {core !== null && core > 0 && (
        <div>
          <dt>CPU time</dt>
          <dd>{shownText(core * 3600, 's').replace(/ h$/, ' core-h')}</dd>
        </div>
      )}
      <div>
        <dt>energy</dt>
        <dd>
          {joules === null ? (
            <span class="absent">not measured</span>
          ) : joules >= 3.6e5 ? (
            `${prefixed((joules / 3.6e6) * 1000).join(' ')}Wh`
          ) : (
            `${prefixed(joules).join(' ')}J`
          )}
        </dd>
      </div>
    </>
  );
}

export function BillBar({ cost, range }: { cost: Cost | null; range: string }) {
  if (!cost) return <p class="notice waiting">asking for the bill…</p>;
  const b = billOf(cost);
  if (b.total === null)
    return (
      <p class="notice">
        <span class="absent">not measured</span>: the answer has no bill
      </p>
    );
  const label = b.parts
    .map((p) => `${p.label} ${moneyText(p.cost, b.currency)} ${percent(p.cost, b.total!)}`)
    .join(', ');
  const reasons = Object.entries(cost.unallocated?.reasons ?? {});
  return (
    <>
      <header class="billhead">
        <span>The bill, {rangeName[range] ?? range}</span>
        <span class="num">
          <span class="residual" title="bill − rows − unallocated − unobserved, in decimals">
            residual{' '}
            {b.residual === null ? (
              <span class="absent">not measured</span>
            ) : (
              <b class={b.residual === 0 ? 'zero' : 'bad'}>{moneyText(b.residual, b.currency)}</b>
            )}
          </span>
          <b class="num total" data-test="bill">
            {moneyText(b.total, b.currency)}
          </b>
        </span>
      </header>
      {b.total > 0 ? (
        <div class="bar" role="img" aria-label={`Bill: ${label}`}>
          {b.parts.map((p) => (
            <span
              key={p.id}
              class={`seg c-${p.colour}`}
              style={{ flexGrow: String(Math.max(0.0001, p.cost / b.total!)) }}
              title={`${p.label}: ${moneyText(p.cost, b.currency)} (${percent(p.cost, b.total!)})${p.note ? ' · ' + p.note : ''}`}
            />
          ))}
        </div>
      ) : (
        <div class="bar empty" role="img" aria-label="Bill: nothing" />
      )}
      <ul class="legend">
        {b.parts.map((p) => (
          <li key={p.id} title={p.note}>
            <i class={`c-${p.colour}`} />
            <span>{p.label}</span>
            <b
              class="num"
              title={
                p.floor ? 'at least: for some of the work this could not be assessed' : undefined
              }
            >
              {p.floor && '≥ '}
              {moneyText(p.cost, b.currency)}
            </b>
            <em class="num">{percent(p.cost, b.total!)}</em>
            {p.id === 'unallocated' && reasons.length > 0 && (
              <small>
                {reasons
                  .map(
                    ([k, v]) =>
                      `${k || 'reason unknown'} ${moneyText(num(v) ?? num((v as { cost?: unknown })?.cost), b.currency)}`,
                  )
                  .join(' · ')}
              </small>
            )}
          </li>
        ))}
        {b.unseen.map((id) => (
          <li key={id} class="unseen" title={`${classOf(id).meaning}: nothing here can see it`}>
            <i />
            <span>{classOf(id).label}</span>
            <em>not assessed</em>
          </li>
        ))}
      </ul>
      {(cost.unpriced?.length ?? 0) > 0 && (
        <p class="warn unpriced">
          no price for {[...new Set(cost.unpriced!.map((u) => u.model || u.gpu))].join(', ')}
        </p>
      )}
    </>
  );
}
