// SPDX-License-Identifier: Apache-2.0
// FOR DEVELOPMENT ONLY: what the mock answers at each endpoint; every number is invented.
import { iso, nowS, noise, minuteOf, between, kGpus, kSignals, kQuestions, kAbsentSignals, inScenario } from './story.mjs';

function status(scenario, t) {
  const bare = scenario === 'bare';
  const layer = (id, state, entities, sources, extra = {}) => ({
    layer: id,
    title: id,
    question: kQuestions[id],
    state,
    ...(state === 'replayed' ? { origin: 'demo' } : {}),
    last: state === 'absent' ? null : iso(t - 2),
    entities,
    sources,
    signals: [...new Set(kSignals.filter((s) => s.layer === id && s.f).map((s) => s.signal))]
      .map((signal) => (state === 'absent' ? { signal, state: 'absent', why: 'no source has sent it' } : { signal, state: 'measured', why: null }))
      .concat(kAbsentSignals[id].map((signal) => ({ signal, state: 'absent', why: 'no source' }))),
    ...extra,
  });
  const world = (name, detail) => ({
    name,
    state: 'live',
    detail,
    last: iso(t - 3),
    origin: 'demo',
  });
  const none = { why: 'no source of this layer has sent anything' };
  const live = (name, detail) => ({
    name,
    state: 'live',
    detail,
    last: iso(t - 1),
    origin: 'live',
  });
  const nvml = {
    name: 'nvml',
    state: 'absent',
    detail: 'libnvidia-ml.so.1 is not on this machine',
    last: null,
    origin: 'live',
  };
  const L = bare
    ? [
        layer('l1_gpu', 'absent', 0, [nvml], none),
        layer('l2_comm', 'absent', 0, [], none),
        layer('l3_host', 'live', 14, [live('proc', '/proc and /sys, every second')]),
        layer('l4_sched', 'absent', 0, [], none),
        layer('l5_train', 'absent', 0, [], none),
        layer('l6_infer', 'absent', 0, [], none),
        layer('l7_genai', 'absent', 0, [], none),
        layer('l8_cost', 'absent', 0, [], { why: 'no device of this machine has a price' }),
      ]
    : [
        layer('l1_gpu', 'replayed', 8, [nvml, world('dcgm-exporter', 'gpu-node-1:9400, page recorded on H100')]),
        layer('l2_comm', 'replayed', 5, [world('nccl-inspector', 'JSON lines of 4 ranks')]),
        layer('l3_host', 'live', 15, [live('proc', '/proc and /sys, every second'), world('otlp', 'host metrics of gpu-node-1')]),
        layer('l4_sched', 'replayed', 7, [
          world('exporter labels', 'pod, namespace, container'),
          {
            name: 'kubelet',
            state: 'absent',
            detail: 'no socket at /var/lib/kubelet/pod-resources',
            last: null,
            origin: 'live',
          },
        ]),
        layer('l5_train', 'replayed', 1, [world('megatron log', 'iteration lines')]),
        layer('l6_infer', 'replayed', 1, [
          world('vllm', 'gpu-node-1:8000/metrics'),
          {
            name: 'llama.cpp',
            state: 'stale',
            detail: '127.0.0.1:8080 refused the connection',
            last: iso(t - 900),
            origin: 'live',
          },
        ]),
        layer('l7_genai', 'replayed', 5, [world('otlp spans', 'openai_v2 1.37')]),
        layer('l8_cost', 'replayed', 9, [world('price book', 'builtin, 2026-11')]),
      ];
  return {
    version: '0.0-mock',
    cluster: bare ? 'local' : 'lab-1',
    now: iso(t),
    uptime_s: 4242,
    origins: bare ? ['live'] : ['live', 'demo'],
    layers: L,
    ingest: {
      samples: 1284221,
      spans: 8312,
      logs: 911,
      events: 12,
      refused: bare ? {} : { future_timestamp: 3 },
      queued: 0,
    },
    engine: { ready: true, restarts: 0, detail: '' },
  };
}

const kClasses = {
  useful: 3.9124,
  slo_miss: 0.8311,
  aborted: 0.2207,
  error: 0.0412,
  idle_held: 2.4985,
};
function cost(scenario, origin, by, from, to, rows = true) {
  const hours = Math.max(0.01, (to - from) / 3600);
  const none = {
    from: iso(from),
    to: iso(to),
    currency: 'USD',
    bill: { cost: 0, gpu_hours: 0, core_hours: 0, joules: null },
    rows: [],
    headline: null,
    headline_loaded: null,
    useful_bound: 'exact',
    unallocated: { cost: 0, gpu_hours: 0, reasons: {} },
    unobserved: { cost: 0, gpu_hours: 0 },
    unpriced: [],
    residual: 0,
  };
  if (scenario === 'bare')
    return {
      ...none,
      headline_why: 'no device of this machine has a price: set prices.cpu_core_usd_per_hour or connect a GPU source',
    };
  if (origin === 'live')
    return {
      ...none,
      bill: { cost: 0.0319 * hours, gpu_hours: 0, core_hours: 2 * hours, joules: null },
      unallocated: { cost: 0.0319 * hours, gpu_hours: 0, reasons: { free: 0.0319 * hours } },
    };
  const held = Object.values(kClasses).reduce((a, b) => a + b, 0);
  const training = 9.8812;
  const row = (key, share, tokens) => ({
    [by || 'all']: key,
    cost: held * share * hours,
    gpu_hours: 2.9 * share * hours,
    core_hours: 0,
    joules: 3.1e6 * share * hours,
    classes: Object.fromEntries(Object.entries(kClasses).map(([k, v]) => [k, v * share * hours])),
    tokens: {
      input: 6.1e6 * tokens * hours,
      cached: 2.2e6 * tokens * hours,
      output: 4.1e6 * tokens * hours,
      useful: 3.6e6 * tokens * hours,
    },
    cost_per_million: { useful: held / 3.6, output: held / 4.1 },
    cost_per_request: 0.0041,
    joules_per_token: 0.86,
    policy: 'ratio',
    estimated: [],
    not_assessed: ['recomputed'],
  });
  const all = [
    row('Llama-3.1-8B-Instruct', 1, 1),
    {
      [by || 'all']: by === 'model' ? '' : 'gpt-train',
      cost: (training + 2.49) * hours,
      gpu_hours: 4 * hours,
      core_hours: 0,
      joules: 8e6 * hours,
      classes: { goodput: training * hours, 'held, not assessed': 2.49 * hours },
      tokens: { input: null, cached: null, output: null, useful: null },
      cost_per_million: { useful: null },
      cost_per_request: null,
      joules_per_token: null,
      policy: 'gpu.sm.active',
      estimated: [],
      not_assessed: [],
    },
  ];
  if (by === 'minute') {
    all.length = 0;
    for (let m = Math.floor(from / 60) * 60; m < to; m += 60)
      all.push({
        ...row('', 1, 1),
        minute: iso(m),
        cost: 0.32 + 0.02 * noise(1, m),
        classes: { useful: 0.1 * (1 - 0.6 * between(m, 8, 13)), idle_held: 0.04 },
        tokens: { useful: 62000 * (1 - 0.6 * between(m, 8, 13)) },
      });
  }
  const bill = {
    cost: (held + training + 2.49 + 2.4985 + 0.3) * hours,
    gpu_hours: 8 * hours,
    core_hours: 0,
    joules: 1.42e7 * hours,
  };
  const out = {
    from: iso(from),
    to: iso(to),
    currency: 'USD',
    bill,
    rows: rows ? all : undefined,
    headline: 2.084e-6,
    headline_loaded: 2.713e-6,
    useful_bound: 'upper',
    unallocated: {
      cost: 2.4985 * hours,
      gpu_hours: hours,
      reasons: { free: 2.1 * hours, stranded: 0.3985 * hours },
    },
    unobserved: { cost: 0.3 * hours, gpu_hours: 0.1 * hours },
    unpriced: [],
    residual: 0,
  };
  return out;
}

function causes(t) {
  return [
    {
      cause: 'l6.kv_saturation',
      layer: 'L6',
      score: 0.91,
      entity: 'engine:gpu-node-1:8000',
      since: iso(t - 210),
      text: 'The KV cache is full: requests wait for blocks and running ones are preempted',
      evidence: [
        {
          signal: 'inference.kv_usage_ratio',
          entity: 'engine:gpu-node-1:8000',
          value: 0.97,
          baseline: 0.36,
          since: iso(t - 210),
          direction: 'high',
          role: 'need',
        },
        {
          signal: 'inference.requests_waiting',
          entity: 'engine:gpu-node-1:8000',
          value: 30,
          baseline: 0,
          since: iso(t - 190),
          direction: 'up',
          role: 'need',
        },
        {
          signal: 'inference.preemptions',
          entity: 'engine:gpu-node-1:8000',
          value: 4.1,
          baseline: 0,
          since: iso(t - 180),
          direction: 'up',
          role: 'support',
        },
      ],
      against: [],
      chain: ['l6.kv_saturation', 'l6.queue_overload'],
      remedy: 'raise gpu_memory_utilization (0.22 now; 78 % of the memory is free), or bound the context length',
      cost_per_hour: 0.83,
    },
    {
      cause: 'l6.queue_overload',
      layer: 'L6',
      score: 0.44,
      entity: 'engine:gpu-node-1:8000',
      since: iso(t - 190),
      text: 'More requests arrive than the engine can run',
      evidence: [
        {
          signal: 'inference.requests_waiting',
          value: 30,
          baseline: 0,
          direction: 'up',
          role: 'need',
        },
      ],
      against: [{ signal: 'inference.requests_running', value: 4, baseline: 4, direction: 'flat' }],
      chain: [],
      remedy: 'add an engine or shed load',
      cost_per_hour: 0.83,
    },
    {
      cause: 'l3.cpu_iowait',
      layer: 'L3',
      score: 0.08,
      entity: 'node:gpu-node-1',
      text: 'The host waits for its disks',
      evidence: [
        {
          signal: 'system.cpu.utilization',
          entity: 'node:gpu-node-1',
          value: null,
          baseline: null,
          direction: 'up',
          role: 'need',
        },
      ],
      against: [],
      chain: [],
      remedy: 'look at the disk',
      cost_per_hour: null,
    },
  ];
}
const findings = (scenario, t) =>
  scenario === 'bare'
    ? []
    : [
        {
          id: 'f1',
          opened: iso(t - 200),
          closed: null,
          symptom: 'ttft_up',
          entity: 'engine:gpu-node-1:8000',
          origin: 'demo',
          value: 9.2,
          baseline: 0.07,
          unit: 's',
          causes: causes(t),
        },
        {
          id: 'f2',
          opened: iso(t - 5400),
          closed: iso(t - 5100),
          symptom: 'train_stall',
          entity: 'job:gpt-train',
          origin: 'demo',
          causes: [
            {
              cause: 'l2.straggler',
              layer: 'L2',
              score: 0.84,
              text: 'Rank 3 holds the others back',
              evidence: [
                {
                  signal: 'comm.rank.lateness',
                  entity: 'rank:gpt-train/3',
                  value: 1.98,
                  baseline: 0.01,
                  direction: 'skew',
                  role: 'need',
                },
              ],
              remedy: 'look at the node of rank 3',
              cost_per_hour: 3.1,
            },
          ],
        },
      ];

export function tickOf(scenario) {
  const t = nowS();
  const s = status(scenario, t);
  const headlines = Object.fromEntries(s.origins.map((o) => [o, cost(scenario, o, '', t - 3600, t, false)]));
  const layers = s.layers.map((l) => ({
    layer: l.layer,
    sparkline: kSignals
      .filter((x) => x.layer === l.layer && x.f)
      .filter(inScenario(scenario))
      .map(({ signal, unit, entity, origin, f }) => ({
        signal,
        unit,
        entity,
        origin,
        points: Array.from({ length: 90 }, (_, i) => {
          const at = Math.floor(t / 10) * 10 - (89 - i) * 10;
          return [at, f(at)];
        }),
      })),
  }));
  return {
    status: s,
    headline: headlines.live,
    headlines,
    layers,
    findings: findings(scenario, t).filter((f) => !f.closed),
    origins: s.origins,
  };
}

function entities(scenario, origin) {
  const of = [...new Map(kSignals.filter(inScenario(scenario)).map((s) => [s.origin + s.entity, s])).values()].filter(
    (s) => origin === 'all' || s.origin === origin,
  );
  return of.map((s) => {
    const [type, ...id] = s.entity.split(':');
    return {
      id: id.join(':'),
      type,
      name: id.join(':'),
      origin: s.origin,
      attributes: type === 'gpu' ? { 'hw.model': 'NVIDIA H100 80GB HBM3', 'host.name': 'gpu-node-1' } : {},
      valid_from: iso(nowS() - 9000),
      valid_to: null,
    };
  });
}

function core(scenario, p, t) {
  const [from, to] = windowOf(p, t, 3600);
  const step = Math.max(1, parseFloat(p.get('step') ?? '15'));
  const entity = p.get('entity');
  const known = kSignals.filter(inScenario(scenario)).filter((s) => s.origin === (p.get('origin') ?? 'live'));
  const own = entity.startsWith('gpu:') ? (s) => !s.entity.startsWith('gpu:') || s.entity === entity : () => true;
  return {
    entity,
    from: iso(from),
    to: iso(to),
    step,
    layers: Object.keys(kQuestions).map((id) => {
      const of = known.filter((s) => s.layer === id && s.f).filter(own);
      return {
        layer: id,
        question: kQuestions[id],
        entities: [...new Set(of.map((s) => s.entity))].map((e) => ({
          type: e.split(':')[0],
          id: e.slice(e.indexOf(':') + 1),
        })),
        signals: of.map((s) => ({
          signal: s.signal,
          unit: s.unit,
          entity: s.entity,
          points: Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, i) => {
            const at = from + i * step;
            return [at, s.f(at)];
          }).filter(([at]) => !(s.layer === 'l6_infer' && minuteOf(at) > 15 && minuteOf(at) < 16.5)),
        })),
        events:
          id === 'l6_infer' && of.length
            ? [
                {
                  time: iso(t - 300),
                  event: 'inference.preemption',
                  entity,
                  severity: 'warn',
                  message: '4 requests preempted',
                },
                {
                  time: iso(t - 1500),
                  event: 'change.engine',
                  entity,
                  severity: 'info',
                  message: 'max_model_len 512 to 8192',
                },
              ]
            : id === 'l5_train' && of.length
              ? [
                  {
                    time: iso(t - 2100),
                    event: 'train.checkpoint',
                    entity: 'job:gpt-train',
                    severity: 'info',
                    message: 'saved in 4.1 s',
                  },
                ]
              : [],
        findings: id === 'l6_infer' && of.length ? findings(scenario, t).slice(0, 1) : [],
        ...(of.length
          ? {}
          : {
              why: id === 'l4_sched' ? 'holdings have no signals' : 'no source of this layer on the node',
            }),
      };
    }),
  };
}

const kTenants = ['initech', 'acme', 'globex', 'umbrella'];
function requests(scenario, origin, t) {
  if (scenario === 'bare' || origin === 'live') return [];
  return Array.from({ length: 60 }, (_, i) => {
    const status = i % 11 === 3 ? 'aborted' : i % 23 === 7 ? 'error' : 'ok';
    const ttft = 0.06 + 0.03 * noise(i, 1) + (i % 9 === 4 ? 7.7 : 0);
    return {
      ts: iso(t - 4 - i * 7.3),
      trace_id: (0x1000 + i).toString(16).padStart(32, 'a'),
      span_id: 'b'.repeat(16),
      engine: 'gpu-node-1:8000',
      model: 'Llama-3.1-8B-Instruct',
      tenant: kTenants[i % 4],
      status,
      finish_reason: i % 13 === 5 ? 'length' : 'stop',
      input_tokens: 400 + i * 17,
      cached_tokens: i % 3 ? 256 : null,
      output_tokens: status === 'error' ? null : 40 + i * 3,
      queue_s: status === 'ok' ? 0.004 + (ttft > 1 ? 6 : 0) : null,
      prefill_s: 0.05,
      decode_s: 1.8,
      ttft_s: status === 'error' ? null : ttft,
      tpot_s: status === 'ok' ? 0.011 : null,
      e2e_s: 1.2 + ttft + i * 0.02,
      useful: status === 'ok' ? (ttft > 1 ? 0 : 1) : status === 'error' ? 0 : null,
      token_source: status === 'aborted' ? 'estimated' : 'engine',
    };
  });
}
function trace(id, t) {
  const a = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'Llama-3.1-8B-Instruct',
    'tenant.id': 'acme',
    'gen_ai.usage.output_tokens': '236',
  };
  return {
    trace_id: id,
    spans: [
      {
        TraceId: id,
        SpanId: 'b1',
        ParentSpanId: '',
        SpanName: 'POST /answer',
        SpanKind: 'Server',
        ServiceName: 'search-assist',
        Timestamp: iso(t - 60)
          .replace('T', ' ')
          .replace('Z', ''),
        Duration: 2.61e9,
        StatusCode: 'Unset',
        SpanAttributes: { 'http.route': '/answer' },
      },
      {
        TraceId: id,
        SpanId: 'b2',
        ParentSpanId: 'b1',
        SpanName: 'chat Llama-3.1-8B-Instruct',
        SpanKind: 'Client',
        ServiceName: 'search-assist',
        Timestamp: iso(t - 59.98),
        Duration: 2.52e9,
        StatusCode: 'Unset',
        SpanAttributes: a,
      },
      {
        TraceId: id,
        SpanId: 'b3',
        ParentSpanId: 'b2',
        SpanName: 'llm_request',
        SpanKind: 'Server',
        ServiceName: 'vllm',
        Timestamp: iso(t - 59.97),
        Duration: 2.49e9,
        StatusCode: 'Unset',
        SpanAttributes: {
          'gen_ai.latency.time_in_queue': '0.61',
          'gen_ai.latency.time_in_model_prefill': '0.18',
          'gen_ai.latency.time_in_model_decode': '1.7',
          'gen_ai.latency.time_to_first_token': '0.79',
          'gen_ai.request.id': 'chatcmpl-1',
        },
      },
    ],
  };
}

function resolve(text, t, fallback) {
  const m = /^now(?:-(\d+)([smhd]))?$/.exec(text ?? '');
  if (m) return m[1] ? t - Number(m[1]) * { s: 1, m: 60, h: 3600, d: 86400 }[m[2]] : t;
  const n = Number(text);
  return text && Number.isFinite(n) ? n : fallback;
}
const windowOf = (p, t, length) => {
  const to = resolve(p.get('to'), t, t);
  return [resolve(p.get('from'), t, to - length), to];
};

export function answer(scenario, path, p) {
  const t = nowS();
  const origin = p.get('origin') ?? 'live';
  const [from, to] = windowOf(p, t, 3600);
  if (path === 'status') return status(scenario, t);
  if (path === 'cost') return cost(scenario, origin, p.get('by') ?? '', from, to);
  if (path === 'core') return core(scenario, p, t);
  if (path === 'entities') return { entities: entities(scenario, origin) };
  if (path === 'findings')
    return {
      findings: findings(scenario, t).filter((f) => origin === 'all' || f.origin === origin),
    };
  if (path === 'why')
    return origin === 'live'
      ? {
          at: iso(t),
          entity: '',
          symptoms: [],
          verdict: 'healthy',
          causes: [],
          not_assessed: [{ signal: 'inference.ttft', entity: '', why: 'no engine was found' }],
        }
      : {
          at: iso(t),
          entity: '',
          symptoms: [
            {
              symptom: 'ttft_up',
              entity: 'engine:gpu-node-1:8000',
              since: iso(t - 200),
              value: 9.2,
              baseline: 0.07,
              unit: 's',
            },
          ],
          verdict: 'l6.kv_saturation',
          causes: causes(t),
          not_assessed: [
            {
              signal: 'gpu.clock.events',
              entity: kGpus[0],
              why: 'the exporter does not export it',
            },
          ],
        };
  if (path === 'requests') {
    const of = requests(scenario, origin, t).filter((r) => !p.get('status') || r.status === p.get('status'));
    const totals = ['ok', 'aborted', 'error']
      .map((s) => of.filter((r) => r.status === s))
      .filter((l) => l.length)
      .map((l) => ({
        status: l[0].status,
        calls: l.length,
        input_tokens: 0,
        output_tokens: l.reduce((a, r) => a + (r.output_tokens ?? 0), 0),
      }));
    return { totals, requests: of };
  }
  if (path.startsWith('traces/')) return trace(path.slice(7), t);
  if (path === 'catalog')
    return {
      layers: Object.keys(kQuestions).map((id) => ({
        layer: id,
        question: kQuestions[id],
        signals: [...new Map(kSignals.filter((s) => s.layer === id).map((s) => [s.signal, s])).values()].map((s) => ({
          signal: s.signal,
          unit: s.unit,
          kind: 'gauge',
          entity: s.entity.split(':')[0],
          otel: null,
          meaning: 'invented for the mock',
          sources: [{ adapter: 'mock', name: s.signal }],
          minute: [],
        })),
      })),
    };
  return null;
}
