// SPDX-License-Identifier: Apache-2.0
// FOR DEVELOPMENT ONLY: the invented world of the mock: its devices, its signals over time, its thirty minutes.
export const iso = (t) => new Date(t * 1000).toISOString();
export const nowS = () => Date.now() / 1000;
export const noise = (seed, t) => {
  const x = Math.sin(seed * 127.1 + Math.floor(t) * 311.7) * 43758.5453;
  return x - Math.floor(x);
};

// A story of 30 minutes that repeats: KV pressure in minutes 8 to 13, slow rank 18 to 22, slow disk 25 to 27.
export const minuteOf = (t) => (t / 60) % 30;
export const between = (t, a, b) => {
  const m = minuteOf(t);
  return m >= a && m < b ? Math.min(1, (m - a) * 1.5, (b - m) * 2) : 0;
};
export const kv = (t) => 0.35 + 0.08 * Math.sin(t / 90) + 0.6 * between(t, 8, 13);

export const kGpus = Array.from({ length: 8 }, (_, i) => `GPU-4cf8db2d-06c0-7d70-1a51-e59b25b2c16${i}`);
export const gpuBusy = (i, t) =>
  i < 2
    ? 0.72 + 0.2 * between(t, 8, 13) + 0.05 * noise(i, t / 5)
    : i < 6
      ? 0.93 - (i === 5 ? 0 : 0.25 * between(t, 18, 22)) - 0.4 * between(t, 25, 27) + 0.03 * noise(i, t / 5)
      : 0;

// layer -> [signal, unit, entity, origin, f(t)]
export function signalsAt() {
  const out = [];
  const add = (layer, signal, unit, entity, origin, f) => out.push({ layer, signal, unit, entity, origin, f });
  for (let i = 0; i < 8; i++) {
    add('l1_gpu', 'gpu.utilization', '1', `gpu:${kGpus[i]}`, 'demo', (t) => gpuBusy(i, t));
    add('l1_gpu', 'gpu.memory.used', 'By', `gpu:${kGpus[i]}`, 'demo', () => [19e9, 19e9, 61e9, 61e9, 61e9, 61e9, 23e9, 5e8][i]);
    add('l1_gpu', 'gpu.power', 'W', `gpu:${kGpus[i]}`, 'demo', (t) => 74 + 560 * gpuBusy(i, t) + 8 * noise(i + 20, t));
    add('l1_gpu', 'gpu.temperature', 'Cel', `gpu:${kGpus[i]}`, 'demo', (t) => 31 + 34 * gpuBusy(i, t) + noise(i, t / 9));
  }
  for (let r = 0; r < 4; r++) {
    add('l2_comm', 'comm.rank.wait', 's', `rank:gpt-train/${r}`, 'demo', (t) => 0.02 + 0.01 * noise(r, t) + (r === 3 ? 0 : 1.9 * between(t, 18, 22)));
    add('l2_comm', 'comm.rank.lateness', 's', `rank:gpt-train/${r}`, 'demo', (t) => 0.01 + (r === 3 ? 2 * between(t, 18, 22) : 0));
  }
  add('l2_comm', 'comm.collective.busbw', 'By/s', 'communicator:0x8f3a', 'demo', (t) => 318e9 * (1 - 0.4 * between(t, 18, 22)) + 9e9 * noise(3, t));
  add('l3_host', 'system.cpu.utilization', '1', 'node:build-1', 'live', (t) => 0.22 + 0.1 * Math.sin(t / 40) + 0.1 * noise(7, t / 4));
  add('l3_host', 'system.memory.usage', 'By', 'node:build-1', 'live', (t) => 5.2e9 + 3e8 * Math.sin(t / 200));
  add('l3_host', 'system.pressure.some', '1', 'node:build-1', 'live', (t) => 0.02 + 0.02 * noise(8, t / 8));
  add('l3_host', 'system.network.io', 'By/s', 'node:build-1', 'live', (t) => 2.2e6 + 9e5 * noise(9, t / 3));
  add('l3_host', 'system.cpu.utilization', '1', 'node:gpu-node-1', 'demo', (t) => 0.31 + 0.34 * between(t, 25, 27) + 0.04 * noise(17, t / 4));
  add('l3_host', 'system.pressure.some', '1', 'node:gpu-node-1', 'demo', (t) => 0.01 + 0.6 * between(t, 25, 27));
  add('l5_train', 'train.mfu', '1', 'job:gpt-train', 'demo', (t) => 0.412 - 0.13 * between(t, 18, 22) - 0.16 * between(t, 25, 27) + 0.01 * noise(5, t / 6));
  add('l5_train', 'train.step.duration', 's', 'job:gpt-train', 'demo', (t) => 6.1 + 2 * between(t, 18, 22) + 2.6 * between(t, 25, 27) + 0.1 * noise(6, t / 6));
  add('l5_train', 'train.loss', '1', 'job:gpt-train', 'demo', (t) => 2.6 - 0.01 * minuteOf(t) + 0.03 * noise(4, t / 6));
  const e = 'engine:gpu-node-1:8000';
  add('l6_infer', 'inference.kv_usage_ratio', '1', e, 'demo', kv);
  add('l6_infer', 'inference.requests_waiting', '{request}', e, 'demo', (t) => Math.round(30 * between(t, 8.3, 13)));
  add('l6_infer', 'inference.ttft', 's', e, 'demo', (t) => 0.07 + 9.1 * between(t, 8.5, 13) ** 2 + 0.01 * noise(2, t));
  add('l6_infer', 'inference.generation_tokens', '{token}/s', e, 'demo', (t) => 1480 + 300 * noise(12, t / 4) - 500 * between(t, 8, 13));
  add('l6_infer', 'inference.preemptions', '{preemption}/s', e, 'demo', (t) => 4 * between(t, 9, 13));
  add('l7_genai', 'gen_ai.client.operation.duration', 's', 'model:Llama-3.1-8B-Instruct', 'demo', (t) => 2.4 + 14 * between(t, 8.5, 13));
  add('l7_genai', 'gen_ai.client.token.usage', '{token}/s', 'model:Llama-3.1-8B-Instruct', 'demo', (t) => 8200 + 1400 * noise(15, t / 5));
  for (const p of ['pod:chat/llama-chat-0', 'pod:training/gpt-train-0', 'pod:research/notebook-0', 'workload:chat/llama-chat'])
    out.push({ layer: 'l4_sched', signal: '', unit: '', entity: p, origin: 'demo', f: null });
  return out;
}
export const kSignals = signalsAt();
export const kQuestions = {
  l1_gpu: 'Is the GPU healthy, and is it computing?',
  l2_comm: 'Is the GPU computing, or waiting for other GPUs?',
  l3_host: 'Is a GPU problem really a host problem?',
  l4_sched: 'Who owns the GPU?',
  l5_train: 'How much hardware became training progress?',
  l6_infer: "What is the engine's true capacity?",
  l7_genai: 'What did the application and its user get?',
  l8_cost: 'Is the GPU creating value?',
};
export const kAbsentSignals = {
  l1_gpu: ['gpu.sm.occupancy', 'gpu.ecc.errors', 'gpu.nvlink.io'],
  l2_comm: ['cuda.kernel.duration'],
  l3_host: ['system.infiniband.io', 'system.edac.errors'],
  l4_sched: [],
  l5_train: ['train.hfu'],
  l6_infer: ['inference.spec_accept_rate'],
  l7_genai: [],
  l8_cost: [],
};

export const inScenario = (scenario) => (s) => scenario === 'full' || (s.layer === 'l3_host' && s.origin === 'live');
