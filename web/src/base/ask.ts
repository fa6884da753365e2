// SPDX-License-Identifier: Apache-2.0
// A question to the API as a hook: asks again when the question changes or every few seconds; keeps the last answer
// while it waits, so that nothing blinks.
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api';

export interface Asked<T> {
  data: T | null;
  error: ApiError | null;
  busy: boolean;
}

export function useAsk<T>(
  key: string,
  run: (signal: AbortSignal) => Promise<T>,
  every_s = 0,
): Asked<T> {
  const [state, set] = useState<Asked<T> & { key: string }>({
    data: null,
    error: null,
    busy: true,
    key,
  });
  const runner = useRef(run);
  runner.current = run;
  useEffect(() => {
    const control = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    set((s) =>
      s.key === key ? { ...s, busy: true } : { data: null, error: null, busy: true, key },
    );
    const once = async () => {
      try {
        const data = await runner.current(control.signal);
        if (!control.signal.aborted) set({ data, error: null, busy: false, key });
      } catch (e) {
        if (control.signal.aborted) return;
        const error = e instanceof ApiError ? e : new ApiError('page', String(e), 0);
        set((s) => ({ ...s, error, busy: false }));
      }
      if (!control.signal.aborted && every_s > 0)
        timer = setTimeout(() => (document.hidden ? later() : void once()), every_s * 1000);
    };
    const later = () => {
      timer = setTimeout(() => (document.hidden ? later() : void once()), 1000);
    };
    void once();
    return () => {
      control.abort();
      clearTimeout(timer);
    };
  }, [key, every_s]);
  return state.key === key ? state : { data: null, error: null, busy: true };
}
