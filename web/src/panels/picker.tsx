// SPDX-License-Identifier: Apache-2.0
// Find an entity by any part of its id, name or attributes; arrows and Enter choose.
import { useMemo, useRef, useState } from 'preact/hooks';
import { ask, type Entity } from '../base/api';
import { entitiesOf } from '../base/read';
import { useAsk } from '../base/ask';
import { activeOrigins, tick } from '../base/live';
import { useStore } from '../base/store';
import { Replayed } from '../widgets/small';

export function useEntities(): { list: Entity[]; busy: boolean; error: string } {
  const origins = activeOrigins(useStore(tick));
  const asked = useAsk(
    `entities|${origins.join()}`,
    async (s) => {
      const answers = await Promise.all(
        origins.map(async (o) => entitiesOf(await ask('entities', { origin: o }, s), o)),
      );
      const seen = new Map<string, Entity>();
      for (const e of answers.flat()) seen.set(e.origin + '|' + e.key, e);
      return [...seen.values()];
    },
    15,
  );
  return {
    list: asked.data ?? [],
    busy: asked.busy && !asked.data,
    error: asked.error && !asked.data ? asked.error.message : '',
  };
}

const kOrder = [
  'gpu',
  'engine',
  'job',
  'node',
  'pod',
  'container',
  'workload',
  'model',
  'tenant',
  'namespace',
  'team',
  'communicator',
  'rank',
  'team',
  'queue',
  'service',
  'target',
];
export const typeRank = (t: string): number => {
  const i = kOrder.indexOf(t);
  return i < 0 ? 50 : i;
};

export function Picker({
  value,
  entities,
  busy,
  onPick,
}: {
  value: string;
  entities: Entity[];
  busy: boolean;
  onPick: (e: Entity) => void;
}) {
  const [text, setText] = useState<string | null>(null);
  const [at, setAt] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const found = useMemo(() => {
    const words = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean);
    return entities
      .filter((e) => {
        const hay = `${e.key} ${e.name} ${Object.values(e.attributes).join(' ')}`.toLowerCase();
        return words.every((w) => hay.includes(w));
      })
      .sort((a, b) => typeRank(a.type) - typeRank(b.type) || a.key.localeCompare(b.key))
      .slice(0, 60);
  }, [entities, text]);
  const open = text !== null;
  const choose = (e: Entity | undefined) => {
    if (!e) return;
    setText(null);
    input.current?.blur();
    onPick(e);
  };
  return (
    <div class="picker">
      <label for="entity">entity</label>
      <input
        id="entity"
        ref={input}
        type="text"
        autocomplete="off"
        spellcheck={false}
        role="combobox"
        aria-expanded={open}
        aria-controls="entity-list"
        aria-activedescendant={open && found[at] ? `entity-${at}` : undefined}
        placeholder={busy ? 'asking for entities…' : 'GPU, engine, job, pod, node…'}
        value={text ?? value}
        onFocus={(e) => {
          setText('');
          setAt(0);
          e.currentTarget.select();
        }}
        onBlur={() => setTimeout(() => setText(null), 150)}
        onInput={(e) => {
          setText(e.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') {
            setAt(Math.min(found.length - 1, at + 1));
            e.preventDefault();
          } else if (e.key === 'ArrowUp') {
            setAt(Math.max(0, at - 1));
            e.preventDefault();
          } else if (e.key === 'Enter') choose(found[at]);
          else if (e.key === 'Escape') {
            setText(null);
            input.current?.blur();
          }
        }}
      />
      {open && (
        <ul id="entity-list" role="listbox" aria-label="entities">
          {found.map((e, i) => (
            <li
              key={e.origin + e.key}
              id={`entity-${i}`}
              role="option"
              aria-selected={i === at}
              class={i === at ? 'on' : ''}
              onMouseDown={(ev) => {
                ev.preventDefault();
                choose(e);
              }}
              onMouseEnter={() => setAt(i)}
            >
              <span class="type">{e.type}</span>
              <code>{e.key.slice(e.key.indexOf(':') + 1)}</code>
              {e.name && !e.key.endsWith(e.name) && <span class="muted">{e.name}</span>}
              <Replayed origin={e.origin} short />
            </li>
          ))}
          {!found.length && (
            <li class="none">
              {busy
                ? 'asking…'
                : entities.length
                  ? 'nothing matches'
                  : 'no entity has been seen yet'}
            </li>
          )}
        </ul>
      )}
    </div>
  );
}
