// SPDX-License-Identifier: Apache-2.0
// The JSON API of docs/reference/interface.md as types, and the one function that asks it.
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

export interface Why {
  verdict: string;
  at: number | null;
  entity: string;
  findings: Finding[];
  causes: Cause[];
  not_assessed: { signal: string; entity: string; why: string }[];
}

export interface CallTotal {
  status: string;
  calls: number | null;
  input: number | null;
  output: number | null;
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
