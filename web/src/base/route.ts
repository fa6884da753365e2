// SPDX-License-Identifier: Apache-2.0
// Every view is an address: #/page/argument?key=value. The page keeps its state there and nowhere else.
import { Store } from './store';

export interface Route {
  page: string;
  arg: string;
  query: Record<string, string>;
}

export function parseRoute(hash: string): Route {
  const text = hash.replace(/^#\/?/, '');
  const cut = text.indexOf('?');
  const path = cut < 0 ? text : text.slice(0, cut);
  const slash = path.indexOf('/');
  const query: Record<string, string> = {};
  if (cut >= 0) for (const [k, v] of new URLSearchParams(text.slice(cut + 1))) query[k] = v;
  const decode = (s: string) => {
    try {
      return decodeURIComponent(s);
    } catch {
      return s;
    }
  };
  return {
    page: decode(slash < 0 ? path : path.slice(0, slash)) || 'overview',
    arg: slash < 0 ? '' : decode(path.slice(slash + 1)),
    query,
  };
}

// Keys that stay when a person walks from page to page.
const kSticky = ['origin', 'range'];

export function href(
  page: string,
  arg = '',
  query: Record<string, string | undefined> = {},
): string {
  const now = route.get().query;
  const q = new URLSearchParams();
  for (const k of kSticky) if (!(k in query) && now[k]) q.set(k, now[k]!);
  for (const [k, v] of Object.entries(query)) if (v !== undefined && v !== '') q.set(k, v);
  const tail = q.toString().replaceAll('%3A', ':');
  const path = arg
    ? `/${page}/${encodeURIComponent(arg).replaceAll('%3A', ':').replaceAll('%2F', '/')}`
    : `/${page}`;
  return `#${path}${tail ? '?' + tail : ''}`;
}

export const route = new Store<Route>(parseRoute(location.hash));
addEventListener('hashchange', () => route.set(parseRoute(location.hash)));

export function go(to: string, replace = false): void {
  if (replace) {
    history.replaceState(null, '', to);
    route.set(parseRoute(location.hash));
  } else location.hash = to;
}

// The same page with some keys changed; undefined removes a key.
export function goWith(change: Record<string, string | undefined>, replace = true): void {
  const r = route.get();
  go(href(r.page, r.arg, { ...r.query, ...change }), replace);
}
