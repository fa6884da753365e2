// SPDX-License-Identifier: Apache-2.0
// Symptom, then its causes in order of evidence, each with what speaks for it, what to do and what it costs.
import type { Cause, Evidence, Finding } from '../base/api';
import { layerColour, layerOf } from '../base/layers';
import { moneyText, num, shownText } from '../base/number';
import { href } from '../base/route';
import { clock, dateClock, timeOf } from '../base/time';
import { Replayed, shortId } from '../widgets/small';

const kSymptoms: Record<string, string> = {
  ttft_up: 'Time to first token rises',
  itl_up: 'Inter-token latency rises',
  tail_spike: 'p99 latency spikes while p50 holds',
  throughput_down: 'Tokens/s fall at equal load',
  error_rate_up: 'Failed or aborted requests rise',
  oom: 'Out of memory',
  gpu_idle: 'GPU idle while work is waiting',
  busy_not_useful: 'GPU busy, little useful work',
  train_stall: 'Training makes no progress',
  train_slow: 'Training steps get slower',
  train_crash: 'Training job dies or restarts',
  bad_numbers: 'NaN, Inf or loss spike',
  pending: 'Pods or jobs wait for GPUs',
  gpu_fault: 'The driver reports a GPU fault',
  gpu_throttled: 'GPU clocks held down',
  cost_per_token_up: 'Cost per useful token rises',
  energy_per_token_up: 'Joules per token rise',
  report_wrong: 'A number is wrong',
};
export const symptomText = (s: string): string =>
  kSymptoms[s] ?? (s ? s.replaceAll('_', ' ') : 'symptom');

const kArrow: Record<string, string> = {
  up: '↑',
  down: '↓',
  high: '▲',
  low: '▼',
  flat: '→',
  present: '●',
  absent: '○',
  skew: '⇅',
  step: '↱',
};

function EvidenceLine({ e, against }: { e: Evidence; against?: boolean }) {
  const since = timeOf(e.since);
  const v = num(e.value),
    b = num(e.baseline);
  const unit = e.unit ?? guessUnit(e.signal ?? '');
  return (
    <li class={against ? 'against' : `role-${e.role ?? 'support'}`}>
      <span class="arrow" aria-hidden="true">
        {against ? '✕' : (kArrow[e.direction ?? ''] ?? '·')}
      </span>
      <code>{e.signal ?? 'signal'}</code>
      <span class="num">
        {v === null ? (
          typeof e.value === 'string' && e.value ? (
            e.value
          ) : (
            <span class="absent">not measured</span>
          )
        ) : (
          shownText(v, unit)
        )}
      </span>
      {b !== null && <span class="muted num">usual {shownText(b, unit)}</span>}
      {since !== null && <span class="muted num">since {clock(since)}</span>}
      {e.entity && (
        <a class="muted" href={href('core', e.entity)}>
          {shortId(e.entity)}
        </a>
      )}
    </li>
  );
}

// Signals and minute columns carry their unit in the catalog; a column has it as its last word.
function guessUnit(signal: string): string {
  if (/_ratio$|usage_ratio|\.utilization$|\.mfu$|pressure/.test(signal)) return '1';
  if (/_s$|ttft|duration|wait$|lateness$|tpot|itl/.test(signal)) return 's';
  if (/_bytes$/.test(signal)) return 'By';
  if (/_w$/.test(signal)) return 'W';
  return '';
}

export function CauseCard({
  c,
  rank,
  currency = 'USD',
}: {
  c: Cause;
  rank: number;
  currency?: string;
}) {
  const layer = layerOf(c.layer ?? c.cause.slice(0, 2));
  return (
    <li class="cause" style={{ '--hue': layerColour(layer) }}>
      <header>
        <span class="rank num">{rank}</span>
        <h4>{c.text ?? c.cause}</h4>
        {layer && (
          <span class="layer">
            {layer.short} {layer.name}
          </span>
        )}
        {c.score !== null && (
          <span class="score num" title="how much evidence stands behind it, 0 to 1">
            <i
              style={{
                width: `${Math.round(Math.min(1, Math.max(0, c.score > 1 ? c.score / 100 : c.score)) * 50)}px`,
              }}
            />
            <b>{c.score.toFixed(2)}</b>
          </span>
        )}
        {c.cost_per_hour !== null && (
          <span class="stake num">{moneyText(c.cost_per_hour, currency)}/h</span>
        )}
      </header>
      <p class="muted">
        <code>{c.cause}</code>
        {c.chain.length > 1 && <> · {c.chain.join(' → ')}</>}
      </p>
      {c.evidence.length + c.against.length > 0 && (
        <ul class="evidence">
          {c.evidence.map((e, i) => (
            <EvidenceLine key={i} e={e} />
          ))}
          {c.against.map((e, i) => (
            <EvidenceLine key={'a' + i} e={e} against />
          ))}
        </ul>
      )}
      {c.remedy && (
        <p class="remedy">
          <b>Do</b> {c.remedy}
        </p>
      )}
    </li>
  );
}

export function FindingCard({ f, open }: { f: Finding; open?: boolean }) {
  const v = num(f.value),
    b = num(f.baseline);
  const known = f.causes.filter((c) => c.cause && c.cause !== 'unknown');
  return (
    <article class={`finding ${f.closed === null ? 'is-open' : 'is-closed'}`}>
      <details open={open}>
        <summary>
          <span class={`badge ${f.closed === null ? 'state-failed' : 'state-absent'}`}>
            {f.closed === null ? 'open' : 'closed'}
          </span>
          <b>{symptomText(f.symptom)}</b>
          {v !== null && (
            <span class="num">
              {shownText(v, f.unit ?? guessUnit(f.symptom + '_s'))}
              {b !== null && (
                <span class="muted">
                  {' '}
                  usual {shownText(b, f.unit ?? guessUnit(f.symptom + '_s'))}
                </span>
              )}
            </span>
          )}
          <span class="cause-name">
            {known.length
              ? (known[0]!.text ?? known[0]!.cause)
              : 'cause unknown: the evidence is not enough'}
          </span>
          {known[0]?.cost_per_hour != null && (
            <span class="stake num">{moneyText(known[0].cost_per_hour)}/h</span>
          )}
          <span class="muted num">
            {dateClock(f.opened)}
            {f.closed !== null && ` – ${clock(f.closed)}`}
          </span>
          <Replayed origin={f.origin} />
        </summary>
        <p class="muted at">
          at{' '}
          <a href={href('core', f.entity, { of: f.origin === 'live' ? undefined : f.origin })}>
            {f.entity || 'an unnamed entity'}
          </a>
          {' · '}
          <a href={href('core', f.entity, { of: f.origin === 'live' ? undefined : f.origin })}>
            core sample
          </a>
        </p>
        {known.length ? (
          <ol class="causes">
            {known.map((c, i) => (
              <CauseCard key={c.cause + i} c={c} rank={i + 1} />
            ))}
          </ol>
        ) : (
          <p class="notice">
            The symptom is real, no cause has its needed evidence.{' '}
            <a href={href('findings')}>Why</a> lists what was not measured.
          </p>
        )}
      </details>
    </article>
  );
}
