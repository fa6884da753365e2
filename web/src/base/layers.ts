// SPDX-License-Identifier: Apache-2.0
// The eight layers in order with their colour names and, until the server answers, their questions. The signals named
// here come first in a strip when they are there.

export interface Layer {
  id: string;
  short: string;
  name: string;
  question: string;
  key: string[];
}

export const kLayers: Layer[] = [
  {
    id: 'l1_gpu',
    short: 'L1',
    name: 'GPU',
    question: 'Is the GPU healthy, and is it computing?',
    key: ['gpu.utilization', 'gpu.sm.active', 'gpu.power', 'gpu.memory.used', 'gpu.temperature'],
  },
  {
    id: 'l2_comm',
    short: 'L2',
    name: 'Communication',
    question: 'Is the GPU computing, or waiting for other GPUs?',
    key: [
      'comm.collective.busbw',
      'comm.rank.wait',
      'comm.collective.duration',
      'comm.rank.lateness',
    ],
  },
  {
    id: 'l3_host',
    short: 'L3',
    name: 'Host',
    question: 'Is a GPU problem really a host problem?',
    key: [
      'system.cpu.utilization',
      'system.memory.utilization',
      'system.memory.usage',
      'system.pressure.some',
      'system.network.io',
      'system.disk.io',
    ],
  },
  {
    id: 'l4_sched',
    short: 'L4',
    name: 'Scheduling',
    question: 'Who owns the GPU?',
    key: ['gpu.holding.share'],
  },
  {
    id: 'l5_train',
    short: 'L5',
    name: 'Training',
    question: 'How much hardware became training progress?',
    key: [
      'train.mfu',
      'train.step.duration',
      'train.loss',
      'train.tokens',
      'train.data_wait.duration',
    ],
  },
  {
    id: 'l6_infer',
    short: 'L6',
    name: 'Engine',
    question: "What is the engine's true capacity?",
    key: [
      'inference.kv_usage_ratio',
      'inference.requests_waiting',
      'inference.ttft',
      'inference.requests_running',
      'inference.generation_tokens',
    ],
  },
  {
    id: 'l7_genai',
    short: 'L7',
    name: 'GenAI API',
    question: 'What did the application and its user get?',
    key: ['calls', 'gen_ai.client.operation.duration', 'gen_ai.client.token.usage'],
  },
  {
    id: 'l8_cost',
    short: 'L8',
    name: 'Cost',
    question: 'Is the GPU creating value?',
    key: ['cost.held', 'cost.useful', 'cost.idle', 'tokens.useful'],
  },
];

// "l6_infer", "L6" or "l6" of an answer.
export function layerOf(id: string | undefined): Layer | undefined {
  return id
    ? kLayers.find((l) => l.id === id || l.short === id.slice(0, 2).toUpperCase())
    : undefined;
}
export const layerVar = (l: Layer | undefined): string =>
  l ? `--${l.short.toLowerCase()}` : '--muted';
// A layer's own colour, then others that are told apart from it.
const kOthers: Record<string, number[]> = {
  L1: [2, 3, 4, 5],
  L2: [2, 3, 4, 5],
  L3: [2, 4, 3, 1],
  L4: [2, 4, 1, 3],
  L5: [2, 4, 1, 5],
  L6: [1, 4, 5, 2],
  L7: [1, 3, 4, 5],
  L8: [1, 3, 4, 5],
};
export const seriesVar = (l: Layer, i: number): string =>
  i % 5 === 0 ? layerVar(l) : `--alt${kOthers[l.short]![(i % 5) - 1]}`;
export const layerColour = (l: Layer | undefined): string => `var(${layerVar(l)})`;
