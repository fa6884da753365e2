// SPDX-License-Identifier: Apache-2.0
// The JSON API of docs/reference/interface.md as types, and the one function that asks it. What older or newer servers
// spell differently is made one here, so that panels read one shape.
import { num } from './number';
import { timeOf } from './time';

export interface Source {
  name: string;
  state: string;
  detail?: string;
  last?: string | null;
  origin?: string;
}
export interface SignalState {
  signal: string;
  unit?: string;
  state: 'measured' | 'estimated' | 'absent';
  why?: string | null;
}
export interface LayerStatus {
  layer: string;
  title?: string;
  question?: string;
  state: 'live' | 'replayed' | 'stale' | 'absent';
  origin?: string;
  why?: string;
  last?: string | null;
  entities?: number;
  sources: Source[];
  signals: SignalState[];
}
export interface Status {
  version?: string;
  cluster?: string;
  now?: string;
  uptime_s?: number;
  origins?: string[];
  layers: LayerStatus[];
  ingest?: {
    samples?: number;
    spans?: number;
    logs?: number;
    events?: number;
    refused?: Record<string, number>;
    store_error?: string;
  };
  engine?: { ready?: boolean; detail?: string; restarts?: number };
}
export type Points = [number, number | null][];
export interface Spark {
  signal: string;
  unit: string;
  entity: string;
  origin: string;
  points: Points;
}
export interface CostRow {
  cost?: unknown;
  gpu_hours?: unknown;
  core_hours?: unknown;
  joules?: unknown;
  classes?: Record<string, unknown>;
  tokens?: Record<string, unknown>;
  cost_per_million?: Record<string, unknown>;
  cost_per_request?: unknown;
  joules_per_token?: unknown;
  policy?: string;
  estimated?: string[];
  not_assessed?: string[];
  [key: string]: unknown;
}
export interface Cost {
  from?: string;
  to?: string;
  currency?: string;
  bill?: { cost?: unknown; gpu_hours?: unknown; core_hours?: unknown; joules?: unknown };
  rows?: CostRow[];
  headline?: unknown;
  headline_loaded?: unknown;
  useful_bound?: string;
  headline_why?: string;
  why?: string;
  unallocated?: { cost?: unknown; gpu_hours?: unknown; reasons?: Record<string, unknown> };
  unobserved?: { cost?: unknown; gpu_hours?: unknown };
  unpriced?: { gpu?: string; model?: string; gpu_hours?: unknown }[];
  classes?: Record<string, unknown>;
  residual?: unknown;
  [key: string]: unknown;
}
export interface Evidence {
  signal?: string;
  entity?: string;
  value?: unknown;
  baseline?: unknown;
  since?: unknown;
  direction?: string;
  role?: string;
  unit?: string;
}
export interface Cause {
  cause: string;
  layer?: string;
  score: number | null;
  entity?: string;
  text?: string;
  since?: number | null;
  evidence: Evidence[];
  against: Evidence[];
  chain: string[];
  remedy?: string;
  cost_per_hour: number | null;
}
export interface Finding {
  key: string;
  symptom: string;
  entity: string;
  origin: string;
  opened: number | null;
  closed: number | null;
  value?: unknown;
  baseline?: unknown;
  unit?: string;
  causes: Cause[];
}
export interface Tick {
  status: Status;
  headline: Cost | null;
  headlines?: Record<string, Cost | null>;
  layers: { layer: string; sparkline: Spark[] }[];
  findings: unknown;
  origins: string[];
}
export interface Entity {
  key: string;
  type: string;
  name: string;
  origin: string;
  attributes: Record<string, string>;
}
export interface CoreSignal {
  signal: string;
  unit: string;
  entity: string;
  label: string;
  points: Points;
}
export interface CoreEvent {
  time: number | null;
  event: string;
  entity: string;
  severity: string;
  message: string;
  layer: string;
}
export interface CoreLayer {
  layer: string;
  question?: string;
  why?: string;
  entities: string[];
  signals: CoreSignal[];
  events: CoreEvent[];
  findings: Finding[];
}
export interface Core {
  entity: string;
  from: number | null;
  to: number | null;
  layers: CoreLayer[];
}
export interface Request {
  ts: number | null;
  trace_id: string;
  model: string;
  tenant: string;
  engine: string;
  status: string;
  finish_reason: string;
  origin: string;
  input: number | null;
  cached: number | null;
  output: number | null;
  queue_s: number | null;
  prefill_s: number | null;
  decode_s: number | null;
  ttft_s: number | null;
  tpot_s: number | null;
  e2e_s: number | null;
  useful: number | null;
  token_source: string;
}
export interface Span {
  trace: string;
  id: string;
  parent: string;
  name: string;
  service: string;
  kind: string;
  start: number;
  duration: number;
  status: string;
  message: string;
  attributes: Record<string, string>;
  events: { time: number | null; name: string }[];
  origin: string;
}

export class ApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

export async function ask<T = unknown>(
  path: string,
  params: Record<string, string | undefined> = {},
  signal?: AbortSignal,
): Promise<T> {
  const q = new URLSearchParams();
  for (const [k, v] of Object.entries(params)) if (v !== undefined && v !== '') q.set(k, v);
  const tail = q.toString();
  let answer: Response;
  try {
    answer = await fetch(`/api/v1/${path}${tail ? '?' + tail : ''}`, {
      signal,
      headers: { Accept: 'application/json' },
    });
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ApiError('unreachable', 'The server does not answer. The page keeps trying.', 0);
  }
  const text = await answer.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new ApiError(
      'not_json',
      `/api/v1/${path}: HTTP ${answer.status}, the answer is not JSON`,
      answer.status,
    );
  }
  const error = (json as { error?: { code?: string; message?: string } } | null)?.error;
  if (!answer.ok || error)
    throw new ApiError(
      error?.code ?? 'http',
      error?.message ?? `HTTP ${answer.status}`,
      answer.status,
    );
  return json as T;
}

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

export interface Why {
  verdict: string;
  at: number | null;
  entity: string;
  findings: Finding[];
  causes: Cause[];
  not_assessed: { signal: string; entity: string; why: string }[];
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

export interface CallTotal {
  status: string;
  calls: number | null;
  input: number | null;
  output: number | null;
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

export interface CatalogSignal {
  layer: string;
  signal: string;
  unit: string;
  kind: string;
  entity: string;
  otel: string;
  meaning: string;
  sources: string[];
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
