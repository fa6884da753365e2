// SPDX-License-Identifier: Apache-2.0
// Lines over time with uPlot, small (a sparkline) or full. All charts with the same `group` share the cursor. A hole in
// the data stays a hole.
import { useEffect, useMemo, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Points } from '../base/api';
import { cursor, point, stepOf } from '../base/cursor';
import { shown } from '../base/number';
import { cssColour, theme } from '../base/theme';
import { clock } from '../base/time';
import { useStore } from '../base/store';

export interface Line {
  label: string;
  colour: string;
  points: Points;
  alpha?: number;
}
export interface Mark {
  from: number;
  to?: number;
  colour: string;
}
interface Props {
  lines: Line[];
  unit: string;
  from: number;
  to: number;
  height: number;
  group: string;
  mini?: boolean;
  marks?: Mark[];
  axis?: boolean;
  onZoom?: (from: number, to: number) => void;
  label: string;
}

// One x column for all lines. undefined = this line has no point here (drawn through), null = a hole.
function table(lines: Line[]): uPlot.AlignedData {
  const stamps = new Set<number>();
  const maps = lines.map((l) => {
    const m = new Map<number, number | null>();
    const limit = 3.5 * stepOf(l.points);
    let before: number | null = null;
    for (const [t, v] of l.points) {
      if (before !== null && t - before > limit) m.set((t + before) / 2, null);
      m.set(t, v);
      before = t;
    }
    for (const t of m.keys()) stamps.add(t);
    return m;
  });
  const x = [...stamps].sort((a, b) => a - b);
  return [x, ...maps.map((m) => x.map((t) => m.get(t)))] as uPlot.AlignedData;
}

export function yRange(lines: Line[], unit: string): [number, number] {
  let lo = Infinity,
    hi = -Infinity;
  for (const l of lines)
    for (const [, v] of l.points)
      if (v !== null) {
        if (v < lo) lo = v;
        if (v > hi) hi = v;
      }
  if (!Number.isFinite(lo)) return [0, 1];
  if (unit === '1' && lo >= 0 && hi <= 1.0001)
    return [0, hi > 0.25 ? 1 : Math.max(0.01, hi * 1.25)];
  if (lo >= 0 && lo < hi * 0.95) return [0, hi * 1.12];
  // What differs only by rounding is flat, not a wave that fills the picture.
  const spread = hi - lo > 1e-6 * Math.abs(hi) ? hi - lo : Math.abs(hi) || 1;
  const pad = spread * 0.15;
  return [lo >= 0 ? Math.max(0, lo - pad) : lo - pad, hi + pad];
}

// The unit stands on the axis when it is short; the list beside the chart has it in full.
function axisText(v: number, unit: string): string {
  const s = shown(v, unit);
  return s.unit && s.num.length + s.unit.length <= 8 ? `${s.num} ${s.unit}` : s.num;
}

const colour = (name: string) => (name.startsWith('--') ? cssColour(name) : name);

export function Chart(p: Props) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(p);
  latest.current = p;
  const shade = useStore(theme);
  const shape = [
    p.lines.map((l) => l.colour + (l.alpha ?? 1)).join(),
    p.unit,
    p.height,
    p.group,
    p.mini,
    p.axis,
    shade,
  ].join('|');
  const data = useMemo(() => table(p.lines), [p.lines]);

  useEffect(() => {
    const el = host.current!;
    const line = colour('--line'),
      muted = colour('--muted');
    const axes: uPlot.Axis[] = p.mini
      ? [{ show: false }, { show: false }]
      : [
          {
            show: true,
            stroke: muted,
            grid: { stroke: line, width: 1 },
            ticks: { show: false },
            size: p.axis ? 22 : 0,
            font: '11px system-ui',
            space: 80,
            values: (_u, at) =>
              at.map((t) =>
                p.axis ? clock(t, latest.current.to - latest.current.from < 600) : '',
              ),
          },
          {
            show: true,
            stroke: muted,
            grid: { stroke: line, width: 1 },
            ticks: { show: false },
            size: 58,
            font: '11px system-ui',
            space: 26,
            gap: 6,
            values: (_u, at) => at.map((v) => axisText(v, latest.current.unit)),
          },
        ];
    const options: uPlot.Options = {
      width: Math.max(20, el.clientWidth),
      height: p.height,
      ms: 1e-3,
      legend: { show: false },
      axes,
      padding: p.mini ? [2, 2, 2, 2] : [6, 8, p.axis ? 0 : 4, 0],
      cursor: {
        x: true,
        y: false,
        points: { size: p.mini ? 5 : 6 },
        drag: { x: !p.mini && !!p.onZoom, y: false, setScale: false },
        sync: { key: p.group, setSeries: false, scales: ['x', null] },
        focus: { prox: -1 },
      },
      scales: {
        x: { time: true, range: () => [latest.current.from, latest.current.to] },
        y: { range: () => yRange(latest.current.lines, latest.current.unit) },
      },
      series: [
        {},
        ...p.lines.map((l): uPlot.Series => ({
          label: l.label,
          stroke: colour(l.colour),
          width: p.mini ? 1.25 : 1.5,
          alpha: l.alpha ?? 1,
          points: { show: false },
          fill: p.lines.length === 1 ? colour(l.colour) + '22' : undefined,
        })),
      ],
      hooks: {
        setCursor: [
          (u) => {
            if (!u.cursor.event) return;
            const left = u.cursor.left ?? -1;
            point(left < 0 ? null : u.posToVal(left, 'x'));
          },
        ],
        setSelect: [
          (u) => {
            if (u.select.width > 6)
              latest.current.onZoom?.(
                u.posToVal(u.select.left, 'x'),
                u.posToVal(u.select.left + u.select.width, 'x'),
              );
            u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
        drawClear: [
          (u) => {
            for (const m of latest.current.marks ?? []) {
              const x0 = u.valToPos(Math.max(m.from, latest.current.from), 'x', true);
              const x1 =
                m.to === undefined ? x0 : u.valToPos(Math.min(m.to, latest.current.to), 'x', true);
              if (m.from > latest.current.to || (m.to ?? m.from) < latest.current.from) continue;
              const c = u.ctx;
              c.save();
              c.fillStyle = c.strokeStyle = colour(m.colour);
              if (m.to !== undefined) {
                c.globalAlpha = 0.1;
                c.fillRect(x0, u.bbox.top, Math.max(2, x1 - x0), u.bbox.height);
                c.globalAlpha = 0.9;
              }
              c.globalAlpha = 0.7;
              c.lineWidth = 1;
              c.setLineDash([3, 3]);
              c.beginPath();
              c.moveTo(x0, u.bbox.top);
              c.lineTo(x0, u.bbox.top + u.bbox.height);
              c.stroke();
              c.restore();
            }
          },
        ],
      },
    };
    const u = new uPlot(options, data, el);
    plot.current = u;
    const watcher = new ResizeObserver(() => {
      const w = el.clientWidth;
      if (w > 0 && w !== u.width) u.setSize({ width: w, height: p.height });
    });
    watcher.observe(el);
    const leave = cursor.watch((c) => {
      if (c.by !== 'keys') return;
      u.setCursor(
        { left: c.t === null ? -10 : u.valToPos(c.t, 'x'), top: c.t === null ? -10 : 1 },
        false,
      );
    });
    return () => {
      watcher.disconnect();
      leave();
      u.destroy();
      plot.current = null;
    };
  }, [shape]);

  useEffect(() => {
    plot.current?.setData(data);
  }, [data, p.from, p.to, p.marks, shape]);

  return (
    <div
      ref={host}
      class={p.mini ? 'chart mini' : 'chart'}
      role="img"
      aria-label={p.label}
      style={{ height: `${p.height}px` }}
      onMouseLeave={() => point(null)}
    />
  );
}

// Value and unit with the unit set small; absent in words.
export function Value({
  v,
  unit,
  absent,
}: {
  v: number | null | undefined;
  unit: string;
  absent?: string;
}) {
  if (v === null || v === undefined || !Number.isFinite(v))
    return <span class="absent">{absent ?? 'not measured'}</span>;
  const s = shown(v, unit);
  return (
    <span class="value">
      {s.num}
      {s.unit && <small>{s.unit === '%' ? ' %' : ' ' + s.unit}</small>}
    </span>
  );
}
