// SPDX-License-Identifier: Apache-2.0
// One Chromium for a test file, and a page that remembers what a good page must not do: log errors, ask another origin.
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const { chromium } = createRequire(new URL('../../web/package.json', import.meta.url))(
  'playwright-core',
);
const kFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'strata-e2e-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: kFlags,
    viewport: { width: 1280, height: 860 },
  });
  const browser = context.browser();
  return {
    // A page at url + hash. `sins` fills with console errors, page errors and requests to other origins.
    async open(url, hash = '#/overview', { scheme = 'dark', width = 1280, height = 860 } = {}) {
      const page = await context.newPage();
      const sins = [];
      const own = new URL(url).origin;
      page.on('console', (m) => {
        if (m.type() === 'error') sins.push(`console: ${m.text()}`);
      });
      page.on('pageerror', (e) => sins.push(`page error: ${e.message}`));
      page.on('request', (r) => {
        const u = new URL(r.url());
        if (u.protocol.startsWith('http') && u.origin !== own)
          sins.push(`request to another origin: ${r.url()}`);
      });
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize({ width, height });
      await page.goto(`${url}/${hash}`);
      return { page, sins };
    },
    async close() {
      await context.close();
      await browser?.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
