// SPDX-License-Identifier: Apache-2.0
// The frame: name, pages, origin, range, link to the server, theme. Everything else is a page.
import { render } from 'preact';
import { useEffect, useErrorBoundary } from 'preact/hooks';
import 'uplot/dist/uPlot.min.css';
import {
  chosenOrigin,
  isWorld,
  knownOrigins,
  link,
  startLive,
  tick,
  activeOrigins,
} from './base/live';
import { goWith, href, route } from './base/route';
import { useStore } from './base/store';
import { theme, toggleTheme } from './base/theme';
import { clock } from './base/time';
import {
  CatalogPage,
  CorePage,
  FindingsPage,
  kRanges,
  Overview,
  RequestsPage,
  SourcesPage,
  TracePage,
} from './pages/pages';
import { Choice } from './widgets/small';

const kPages: [string, string][] = [
  ['overview', 'Overview'],
  ['core', 'Core sample'],
  ['findings', 'Findings'],
  ['requests', 'Requests'],
  ['sources', 'Sources'],
  ['catalog', 'Catalog'],
];

function App() {
  const r = useStore(route);
  const t = useStore(tick);
  const l = useStore(link);
  const shade = useStore(theme);
  const origins = knownOrigins(t);
  const chosen = chosenOrigin(t);
  const worlds = activeOrigins(t).filter(isWorld);
  const range = (kRanges as readonly string[]).includes(r.query.range ?? '')
    ? r.query.range!
    : '1h';
  const page = kPages.find(([id]) => id === (r.page === 'trace' ? 'requests' : r.page));
  useEffect(() => {
    document.title = `${page ? page[1] + ' · ' : ''}strata${worlds.length ? ` · replayed: ${worlds.join(', ')}` : ''}${l.state === 'stale' ? ' · stale' : ''}`;
  }, [page?.[0], worlds.join(), l.state]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        to the content
      </a>
      <header class="top">
        <a class="brand" href={href('overview')} aria-label="strata, overview">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path class="s1" d="M0 0h24v24H0z" />
            <path class="s2" d="M0 7q6-3 12 0t12 0v17H0z" />
            <path class="s3" d="M0 13q6-3 12 0t12 0v11H0z" />
            <path class="s4" d="M0 19q6-3 12 0t12 0v5H0z" />
          </svg>
          strata
        </a>
        <nav aria-label="pages">
          {kPages.map(([id, name]) => (
            <a key={id} href={href(id)} aria-current={page?.[0] === id ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <div class="tools">
          {origins.length > 1 && (
            <Choice
              label="origin"
              options={['all', ...origins]}
              value={chosen}
              onPick={(o) => goWith({ origin: o })}
              names={Object.fromEntries(origins.filter(isWorld).map((o) => [o, `${o} (replayed)`]))}
            />
          )}
          <Choice
            label="time range"
            options={kRanges}
            value={range as (typeof kRanges)[number]}
            onPick={(x) => goWith({ range: x, from: undefined, to: undefined })}
          />
          <span class={`wire ${l.state}`} role="status" title={l.detail} data-test="link">
            {l.state === 'live'
              ? 'live'
              : l.state === 'connecting'
                ? 'connecting…'
                : `stale since ${clock(l.since_s)}`}
          </span>
          <button
            type="button"
            class="theme"
            onClick={toggleTheme}
            aria-label={shade === 'dark' ? 'use the light theme' : 'use the dark theme'}
            title={shade === 'dark' ? 'light' : 'dark'}
          >
            {shade === 'dark' ? '☀' : '☾'}
          </button>
        </div>
      </header>
      {worlds.length > 0 && (
        <p class="worldbar" data-test="worldbar">
          <b>Replayed</b>{' '}
          {worlds.length === 1
            ? `The world “${worlds[0]}” is recorded data`
            : `The worlds ${worlds.join(', ')} are recorded data`}
          , marked wherever it stands and never added to live sums.
          {chosen === 'all' && (
            <>
              {' '}
              <button type="button" onClick={() => goWith({ origin: 'live' })}>
                show live only
              </button>
            </>
          )}
        </p>
      )}
      {l.state === 'stale' && (
        <p class="stalebar" role="alert">
          No word from the server since {clock(l.since_s)}: everything below is as it was then.{' '}
          {l.detail && `(${l.detail}) `}Trying again.
        </p>
      )}
      <main id="main" tabIndex={-1} class={l.state === 'stale' ? 'is-stale' : ''}>
        <Guard key={r.page}>{pageOf(r.page, range)}</Guard>
      </main>
      <footer class="foot muted num">
        {t?.status.version && <>strata {t.status.version}</>}
        {t?.status.cluster && <> · cluster {t.status.cluster}</>}
        {t && !t.status.engine?.ready && t.status.engine && <> · the engine is not ready</>}
      </footer>
    </>
  );

  function pageOf(name: string, span: string) {
    switch (name) {
      case 'overview':
        return <Overview range={span} />;
      case 'core':
        return <CorePage r={r} range={span} />;
      case 'findings':
        return <FindingsPage range={span} />;
      case 'requests':
        return <RequestsPage range={span} />;
      case 'trace':
        return <TracePage id={r.arg} />;
      case 'sources':
        return <SourcesPage layer={r.arg} />;
      case 'catalog':
        return <CatalogPage r={r} />;
      default:
        return (
          <p class="notice error">
            There is no page “{name}”. <a href={href('overview')}>Overview</a>
          </p>
        );
    }
  }
}

// One page that fails says so and leaves the others usable.
function Guard({ children }: { children: preact.ComponentChildren }) {
  const [error, again] = useErrorBoundary((e) => console.error(e));
  if (error)
    return (
      <p class="notice error" role="alert">
        BUG: this page failed: {String((error as Error).message ?? error)}{' '}
        <button type="button" onClick={again}>
          try again
        </button>
      </p>
    );
  return <>{children}</>;
}

startLive();
render(<App />, document.getElementById('app')!);
