// SPDX-License-Identifier: Apache-2.0
// A value that components can watch.
import { useEffect, useState } from 'preact/hooks';

export class Store<T> {
  private watchers_ = new Set<(v: T) => void>();
  constructor(private value_: T) {}
  get(): T {
    return this.value_;
  }
  set(v: T): void {
    if (Object.is(v, this.value_)) return;
    this.value_ = v;
    for (const w of [...this.watchers_]) w(v);
  }
  watch(w: (v: T) => void): () => void {
    this.watchers_.add(w);
    return () => {
      this.watchers_.delete(w);
    };
  }
}

export function useStore<T>(store: Store<T>): T {
  const [v, set] = useState<T>(store.get());
  useEffect(() => {
    set(() => store.get());
    return store.watch((next) => set(() => next));
  }, [store]);
  return v;
}
