// SPDX-License-Identifier: Apache-2.0
// Answers of the API made into the shapes of api.ts: absent numbers stay absent, entity ids are TYPE:ID, and what
// tables spell one way and commands another is one thing here.
import type {
  CallTotal,
  CatalogSignal,
  Cause,
  Core,
  Entity,
  Evidence,
  Finding,
  Request,
  Span,
  Why,
} from './api';
import { num } from './number';
import { timeOf } from './time';

const text = (v: unknown): string =>
  typeof v === 'string' ? v : v === null || v === undefined ? '' : String(v);
const list = (v: unknown): unknown[] => (Array.isArray(v) ? v : []);
type Any = Record<string, unknown>;
const object = (v: unknown): Any =>
  v !== null && typeof v === 'object' && !Array.isArray(v) ? (v as Any) : {};
function parsed(v: unknown): unknown {
  if (typeof v !== 'string') return v;
  try {
    return JSON.parse(v);
  } catch {
    return v;
  }
}
// A list that stands alone or under one of the keys.
function listIn(v: unknown, ...keys: string[]): Any[] {
  if (Array.isArray(v)) return v as Any[];
  for (const k of keys) if (Array.isArray(object(v)[k])) return object(v)[k] as Any[];
  return [];
}
const originOf = (o: Any, fallback: string): string => text(o.origin) || fallback;

export function entityKey(v: unknown, type = ''): string {
  if (typeof v === 'string') return v.includes(':') || !type ? v : `${type}:${v}`;
  const o = object(v);
  const t = text(o.type) || type,
    id = text(o.id);
  return !t || id.startsWith(t + ':') ? id : `${t}:${id}`;
}

function textMap(v: unknown): Record<string, string> {
  const out: Record<string, string> = {};
  for (const [k, x] of Object.entries(object(parsed(v))))
    out[k] = typeof x === 'object' ? JSON.stringify(x) : text(x);
  return out;
}

// A process is known by its program, its id is a number.
function nameOf(o: Any): string {
  const name = text(o.name) || text(o.id);
  const program =
    text(o.type) === 'process' ? text(object(parsed(o.attributes))['process.executable.name']) : '';
  return program && program !== name ? `${program} (${name})` : name;
}

export function entitiesOf(v: unknown, origin: string): Entity[] {
  return listIn(v, 'entities', 'rows').map((o) => ({
    key: entityKey(o),
    type: text(o.type) || entityKey(o).split(':')[0]!,
    name: nameOf(o),
    origin: originOf(o, origin),
    attributes: textMap(o.attributes),
  }));
}

function evidenceOf(v: unknown): Evidence[] {
  return list(parsed(v)).map((e) =>
    typeof e === 'string'
      ? { signal: e }
      : { ...(object(e) as Evidence), entity: entityKey(object(e).entity) },
  );
}

function causeOf(o: Any): Cause {
  return {
    cause: text(o.cause) || 'unknown',
    layer: text(o.layer) || undefined,
    score: num(o.score),
    entity: entityKey(o.entity) || undefined,
    text: text(o.text) || text(o.cause_text) || undefined,
    since: timeOf(o.since),
    evidence: evidenceOf(o.evidence),
    against: evidenceOf(o.against),
    chain: list(o.chain).map(text),
    remedy: text(o.remedy) || undefined,
    cost_per_hour: num(o.cost_per_hour),
  };
}

// One finding per symptom and entity, its causes ranked; a table row per cause (as SQL gives it) is folded together.
export function findingsOf(v: unknown, origin = 'live'): Finding[] {
  const out = new Map<string, Finding>();
  for (const o of listIn(v, 'findings', 'rows')) {
    const from = originOf(o, origin);
    const symptom = text(o.symptom),
      entity = entityKey(o.entity, text(o.entity_type)),
      closed = timeOf(o.closed);
    const key = [from, symptom, entity, closed ?? 'open'].join('|');
    const f = out.get(key) ?? {
      key,
      symptom,
      entity,
      origin: from,
      opened: timeOf(o.opened ?? o.since),
      closed,
      value: o.value,
      baseline: o.baseline,
      unit: text(o.unit) || undefined,
      causes: [],
    };
    if (Array.isArray(o.causes)) f.causes.push(...o.causes.map((c) => causeOf(object(c))));
    else if (text(o.cause)) f.causes.push(causeOf({ ...o, entity: o.cause_entity ?? '' }));
    const opened = timeOf(o.opened ?? o.since);
    if (opened !== null && (f.opened === null || opened < f.opened)) f.opened = opened;
    out.set(key, f);
  }
  for (const f of out.values()) f.causes.sort((a, b) => (b.score ?? -1) - (a.score ?? -1));
  return [...out.values()].sort(
    (a, b) =>
      Number(a.closed !== null) - Number(b.closed !== null) || (b.opened ?? 0) - (a.opened ?? 0),
  );
}

export function whyOf(v: unknown, origin: string): Why {
  const o = object(v);
  return {
    verdict: text(o.verdict) || 'unknown',
    at: timeOf(o.at),
    entity: entityKey(o.entity),
    causes: list(o.causes).map((c) => causeOf(object(c))),
    findings: findingsOf(list(o.symptoms), origin),
    not_assessed: list(o.not_assessed).map((x) => ({
      signal: text(object(x).signal),
      entity: entityKey(object(x).entity),
      why: text(object(x).why),
    })),
  };
}

export function coreOf(v: unknown, origin: string): Core {
  const o = object(v);
  return {
    entity: entityKey(o.entity),
    from: timeOf(o.from),
    to: timeOf(o.to),
    layers: listIn(o.layers).map((l) => ({
      layer: text(l.layer),
      question: text(l.question) || undefined,
      why: text(l.why) || text(l.reason) || undefined,
      entities: list(l.entities).map((e) => entityKey(e)),
      signals: listIn(l.signals).map((s) => ({
        signal: text(s.signal),
        unit: text(s.unit),
        entity: entityKey(s.entity),
        label: Object.values(textMap(s.attributes)).join(' '),
        points: list(s.points)
          .map(
            (p) =>
              [num(list(p)[0]) ?? timeOf(list(p)[0]) ?? NaN, num(list(p)[1])] as [
                number,
                number | null,
              ],
          )
          .filter((p) => Number.isFinite(p[0])),
      })),
      events: listIn(l.events).map((e) => ({
        time: timeOf(e.time ?? e.ts),
        event: text(e.event),
        entity: entityKey(e.entity, text(e.entity_type)),
        severity: text(e.severity),
        message: text(e.message),
        layer: text(l.layer),
      })),
      findings: findingsOf(list(l.findings), origin),
    })),
  };
}

export function requestsOf(v: unknown, origin: string): Request[] {
  return listIn(v, 'requests', 'rows').map((o) => ({
    ts: timeOf(o.ts),
    trace_id: text(o.trace_id),
    model: text(o.model),
    tenant: text(o.tenant),
    engine: text(o.engine),
    status: text(o.status),
    finish_reason: text(o.finish_reason),
    origin: originOf(o, origin),
    input: num(o.input_tokens),
    cached: num(o.cached_tokens),
    output: num(o.output_tokens),
    queue_s: num(o.queue_s),
    prefill_s: num(o.prefill_s),
    decode_s: num(o.decode_s),
    ttft_s: num(o.ttft_s),
    tpot_s: num(o.tpot_s),
    e2e_s: num(o.e2e_s),
    useful: typeof o.useful === 'boolean' ? Number(o.useful) : num(o.useful),
    token_source: text(o.token_source),
  }));
}

export function totalsOf(v: unknown): CallTotal[] {
  return listIn(object(v).totals).map((o) => ({
    status: text(o.status),
    calls: num(o.calls),
    input: num(o.input_tokens),
    output: num(o.output_tokens),
  }));
}

// Spans in our spelling or in that of the Collector's ClickHouse exporter.
export function spansOf(v: unknown): Span[] {
  const out: Span[] = [];
  for (const o of listIn(v, 'spans', 'rows')) {
    const start = timeOf(o.start ?? o.ts ?? o.Timestamp ?? o.timestamp);
    const end = timeOf(o.end ?? o.end_ts);
    const ns = num(o.Duration ?? o.duration_ns),
      s = num(o.duration_s ?? o.duration);
    const duration =
      s ?? (ns !== null ? ns / 1e9 : start !== null && end !== null ? end - start : null);
    if (start === null || duration === null) continue;
    const times = list(o['Events.Timestamp']),
      names = list(o['Events.Name']);
    out.push({
      trace: text(o.trace_id ?? o.TraceId),
      id: text(o.span_id ?? o.SpanId),
      parent: text(o.parent_span_id ?? o.ParentSpanId),
      name: text(o.name ?? o.SpanName),
      service: text(o.service ?? o.service_name ?? o.ServiceName),
      kind: text(o.kind ?? o.SpanKind),
      start,
      duration,
      origin: text(o.origin),
      status: text(object(o.status).code ?? o.status ?? o.status_code ?? o.StatusCode),
      message: text(o.status_message ?? o.StatusMessage),
      attributes: {
        ...textMap(o.ResourceAttributes ?? o.resource),
        ...textMap(o.SpanAttributes ?? o.attributes),
      },
      events: names.length
        ? names.map((n, i) => ({ time: timeOf(times[i]), name: text(n) }))
        : listIn(o.events).map((e) => ({
            time: timeOf(e.time ?? e.ts),
            name: text(e.name ?? e.event),
          })),
    });
  }
  return out;
}

export function catalogOf(v: unknown): CatalogSignal[] {
  const out: CatalogSignal[] = [];
  const push = (layer: string, s: Any) =>
    out.push({
      layer: text(s.layer) || layer,
      signal: text(s.signal ?? s.id),
      unit: text(s.unit),
      kind: text(s.kind),
      entity: text(s.entity),
      otel: text(s.otel),
      meaning: text(s.meaning),
      sources: list(s.sources).map((x) =>
        typeof x === 'string' ? x : `${text(object(x).adapter)}: ${text(object(x).name)}`,
      ),
    });
  for (const l of listIn(v, 'layers')) for (const s of listIn(l.signals)) push(text(l.layer), s);
  if (!out.length) for (const s of listIn(v, 'signals')) push('', s);
  return out;
}
