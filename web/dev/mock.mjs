// SPDX-License-Identifier: Apache-2.0
// FOR DEVELOPMENT ONLY: a pretend strata server with invented answers, so that the page can be worked on without the
// program. Never part of web/dist. `npm run mock` serves the built page, `npm run dev` the sources through Vite.
// Scenarios: full (live and a replayed world), bare (only live, nothing measured but the host).
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { extname, join, normalize } from 'node:path';
import { answer, tickOf } from './answers.mjs';

const kRoot = fileURLToPath(new URL('..', import.meta.url));
const kCsp = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
const kTypes = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

// { port, scenario } -> { url, close, drop }; drop() ends all live streams and refuses new ones until
// resume(); mute(true) keeps them open and says nothing.
export async function startMock({ port = 0, scenario = 'full', vite = false } = {}) {
  const streams = new Set();
  let down = false,
    muted = false;
  const front = vite
    ? await (
        await import('vite')
      ).createServer({ root: kRoot, server: { middlewareMode: true }, appType: 'spa' })
    : null;
  const server = createServer(async (q, r) => {
    const url = new URL(q.url, 'http://mock');
    if (down && url.pathname.startsWith('/api/')) return r.socket.destroy();
    if (url.pathname === '/api/v1/live') {
      r.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      const send = () =>
        muted || r.write(`event: tick\ndata: ${JSON.stringify(tickOf(scenario))}\n\n`);
      send();
      const timer = setInterval(send, 2000);
      streams.add(r);
      q.on('close', () => {
        clearInterval(timer);
        streams.delete(r);
      });
      return;
    }
    if (url.pathname.startsWith('/api/v1/')) {
      const a = answer(scenario, decodeURIComponent(url.pathname.slice(8)), url.searchParams);
      r.writeHead(a ? 200 : 404, {
        'Content-Type': 'application/json',
        'Cache-Control': 'no-store',
      });
      return r.end(
        JSON.stringify(
          a ?? { error: { code: 'not_found', message: `no such endpoint: ${url.pathname}` } },
        ),
      );
    }
    if (front) return front.middlewares(q, r);
    const file = join(
      kRoot,
      'dist',
      normalize(url.pathname === '/' ? '/index.html' : url.pathname),
    );
    try {
      const bytes = await readFile(file);
      r.writeHead(200, {
        'Content-Type': kTypes[extname(file)] ?? 'application/octet-stream',
        'Content-Security-Policy': kCsp,
      });
      r.end(bytes);
    } catch {
      r.writeHead(404).end('no such page');
    }
  });
  await new Promise((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    drop() {
      down = true;
      for (const s of streams) s.destroy();
    },
    resume() {
      down = false;
    },
    mute(on) {
      muted = on;
    },
    async close() {
      for (const s of streams) s.destroy();
      await front?.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const mock = await startMock({
    port: Number(process.env.PORT ?? 4399),
    scenario: process.env.SCENARIO ?? 'full',
    vite: process.argv.includes('--vite'),
  });
  console.error(`mock (invented answers, for development): ${mock.url}`);
}
