// SPDX-License-Identifier: Apache-2.0
// The page in a real browser. With STRATA_URL it is the program's own page and only what holds for any machine is asked;
// without it the built page stands on the development mock, and the story of the mock is asked as well.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { startMock } from '../../web/dev/mock.mjs';
import { startBrowser } from './browser.mjs';

const kWeb = fileURLToPath(new URL('../../web/', import.meta.url));
const kDist = join(kWeb, 'dist');
const kReal = process.env.STRATA_URL?.replace(/\/$/, '');
const kMockOnly = {
  skip: kReal ? 'the program under test has its own data' : false,
  timeout: 60000,
};
const kBudgetBytes = 200 * 1024;
const kLayers = [
  'l1_gpu',
  'l2_comm',
  'l3_host',
  'l4_sched',
  'l5_train',
  'l6_infer',
  'l7_genai',
  'l8_cost',
];

let browser, mock, url;
before(async () => {
  browser = await startBrowser();
  if (!kReal) mock = await startMock();
  url = kReal ?? mock.url;
});
after(async () => {
  await browser?.close();
  await mock?.close();
}); // pages that a failed test left open end here

// Nothing that a missing number turns into by accident may be read by a person.
async function assertHonest(page, where) {
  // Prose may speak of NaN (a training signal counts them); places of numbers may not.
  const numbers = (
    await page.locator('.num, .value, .last, .big, dd, td.r, .legend, .state').allInnerTexts()
  ).join(' | ');
  for (const bad of [/\bNaN\b/, /\bnull\b/, /\bInfinity\b/])
    assert.doesNotMatch(numbers, bad, `${where} shows ${bad}`);
  const text = await page.locator('body').innerText();
  for (const bad of [/\bundefined\b/, /\[object /])
    assert.doesNotMatch(text, bad, `${where} shows ${bad}`);
}
async function assertFits(page, where) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${where} is ${over} px wider than the window`);
}
const ready = (page) => page.locator('.strip').nth(7).waitFor({ timeout: 20000 });

test('bundle: within the budget, no foreign address, nothing inline, no mock', () => {
  assert.ok(existsSync(join(kDist, 'index.html')), 'web/dist is missing: make web');
  const files = readdirSync(kDist, { recursive: true, withFileTypes: true })
    .filter((f) => f.isFile())
    .map((f) => join(f.parentPath ?? f.path, f.name));
  const bytes = files.reduce((sum, f) => sum + gzipSync(readFileSync(f)).length, 0);
  assert.ok(bytes <= kBudgetBytes, `${bytes} bytes gzipped, budget ${kBudgetBytes}`);
  for (const f of files) {
    const text = readFileSync(f, 'utf8');
    const foreign = (text.match(/https?:\/\/[^\s"'`)<>\\]+/g) ?? []).filter(
      (a) => !a.startsWith('http://www.w3.org/'),
    );
    assert.deepEqual(foreign, [], `${f} names foreign addresses`);
    assert.doesNotMatch(text, /GPU-4cf8db2d|0\.0-mock/, `${f} carries the mock`);
  }
  const html = readFileSync(join(kDist, 'index.html'), 'utf8');
  assert.doesNotMatch(
    html,
    /<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/,
    'inline script or style in index.html',
  );
  assert.doesNotMatch(
    readFileSync(join(kWeb, 'package-lock.json'), 'utf8'),
    /"resolved"/,
    'the lock file names a registry',
  );
});

test('overview: headline, bill, eight strips in order, each with a state and absent ones with a reason', async () => {
  const { page, sins } = await browser.open(url);
  await ready(page);
  for (const h of await page.locator('[data-test=headline]').allInnerTexts())
    assert.match(
      h,
      /^(at least\s+)?(\$|€|£|CN¥|JP¥|[0-9.]+ [nµp]\$)|not measured/,
      `headline reads ${h}`,
    );
  assert.ok((await page.locator('[data-test=headline]').count()) >= 1);
  const missing = page.locator('[data-test=headline].absent small');
  for (let i = 0; i < (await missing.count()); i++)
    assert.ok(
      (await missing.nth(i).innerText()).length > 5,
      'a headline that is not measured says why',
    );
  await page.locator('[data-test=bill]').first().waitFor({ timeout: 20000 });
  assert.match(
    await page.locator('.residual').first().innerText(),
    /residual \$0\b|residual [^\d]*0\b/,
    'the residual is shown and 0',
  );
  const strips = page.locator('.strip');
  assert.deepEqual(await strips.evaluateAll((all) => all.map((s) => s.dataset.layer)), kLayers);
  for (let i = 0; i < 8; i++) {
    const strip = strips.nth(i);
    assert.match(
      await strip.locator('.state .badge').first().innerText(),
      /^(live|replayed|stale|absent)/,
    );
    if (await strip.evaluate((s) => s.classList.contains('is-absent')))
      assert.match(await strip.locator('.why').innerText(), /^not measured: .{5,}/);
    else
      assert.ok(
        (await strip.locator('.spark, .chips, .why').count()) > 0,
        `strip ${i + 1} is empty`,
      );
  }
  await assertHonest(page, 'the overview');
  await assertFits(page, 'the overview');
  assert.deepEqual(sins, []);
  await page.close();
});

// From a strip's first line to the core sample of its entity, whose charts share one clock. `atLeast` charts are expected.
async function walkToCore(page, layer, atLeast) {
  await page.locator(`.strip[data-layer=${layer}] a.spark`).first().click();
  await page.waitForURL(/#\/core\/[a-z_]+:/);
  await page.locator('.core-layer').nth(7).waitFor({ timeout: 20000 });
  assert.deepEqual(
    await page.locator('.core-layer').evaluateAll((all) => all.map((s) => s.dataset.layer)),
    kLayers,
  );
  for (const why of await page.locator('.core-layer.is-empty .why').allInnerTexts())
    assert.match(why, /^not measured: .{5,}/);
  const plots = page.locator('.core-layer .u-over');
  assert.ok(
    (await plots.count()) >= atLeast,
    `${await plots.count()} charts in the core sample of ${page.url()}`,
  );
  const boxes = await plots.evaluateAll((all) =>
    all.map((p) => {
      const b = p.getBoundingClientRect();
      return [Math.round(b.left), Math.round(b.width)].join();
    }),
  );
  assert.equal(new Set(boxes).size, 1, `charts are not aligned: ${boxes}`);
  const box = await plots.first().boundingBox();
  await page.mouse.move(box.x + box.width / 2 - 20, box.y + box.height / 2);
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.locator('.lane .now-line').waitFor();
  const lines = await page
    .locator('.core-layer .u-cursor-x')
    .evaluateAll((all) =>
      all.map((c) => Math.round(new DOMMatrix(getComputedStyle(c).transform).m41)),
    );
  assert.ok(
    lines.length >= atLeast && lines.every((x) => Math.abs(x - box.width / 2) < 3),
    `cursors differ: ${lines}`,
  );
  await page.locator('.core').focus();
  const at = await page.locator('.lane-time').innerText();
  for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowLeft');
  assert.notEqual(await page.locator('.lane-time').innerText(), at, 'arrow keys move the cursor');
  await assertHonest(page, 'the core sample');
}

test('headline to strip to core sample: eight aligned layers, empty ones say why, the cursor is shared', async () => {
  const { page, sins } = await browser.open(url);
  await ready(page);
  await page.locator('.strip[data-layer=l3_host] a.spark').first().waitFor({ timeout: 30000 });
  await walkToCore(page, 'l3_host', 1);
  await page.goBack();
  await ready(page);
  await page.waitForTimeout(500);
  if (await page.locator('.strip[data-layer=l6_infer] a.spark').count())
    await walkToCore(page, 'l6_infer', kReal ? 2 : 6);
  assert.deepEqual(sins, []);
  await page.close();
});

test('core sample: an entity is found by typing, and the address is the state', async () => {
  const { page, sins } = await browser.open(url, '#/core?range=15m');
  await page.locator('.index a').first().waitFor({ timeout: 20000 });
  await page.locator('#entity').fill('node');
  await page.locator('#entity-list [role=option]').first().waitFor();
  await page.keyboard.press('Enter');
  await page.waitForURL(/#\/core\/[a-z_]+:.*range=15m/);
  await page.locator('.core-layer').nth(7).waitFor({ timeout: 20000 });
  const copied = page.url();
  await page.close();
  const again = await browser.open(url, copied.slice(copied.indexOf('#')));
  await again.page.locator('.core-layer').nth(7).waitFor({ timeout: 20000 });
  assert.deepEqual([...sins, ...again.sins], []);
  await again.page.close();
});

test('every page opens without an error, dark and light, wide and narrow', async () => {
  for (const [scheme, width] of [
    ['dark', 1280],
    ['light', 390],
  ]) {
    for (const hash of [
      '#/overview',
      '#/core',
      '#/findings',
      '#/requests',
      '#/sources',
      '#/catalog',
    ]) {
      const { page, sins } = await browser.open(url, hash, { scheme, width, height: 844 });
      await page.locator('main .panel, main .notice').first().waitFor({ timeout: 20000 });
      await page.locator('main .waiting').first().waitFor({ state: 'detached', timeout: 20000 });
      await assertHonest(page, `${hash} ${scheme} ${width}`);
      await assertFits(page, `${hash} ${width}`);
      assert.equal(
        await page.locator('main [role=alert]').count(),
        0,
        `${hash}: ${await page.locator('main').innerText()}`,
      );
      assert.deepEqual(sins, [], hash);
      await page.close();
    }
  }
});

test('theme: follows the system, a choice is remembered over a reload', async () => {
  const background = (page) =>
    page.evaluate(() => getComputedStyle(document.body.parentElement).backgroundColor);
  const light = await browser.open(url, '#/sources', { scheme: 'light' });
  const bright = await background(light.page);
  await light.page.emulateMedia({ colorScheme: 'dark' });
  const dim = await background(light.page);
  assert.notEqual(bright, dim, 'the system theme is followed');
  await light.page.locator('button.theme').click();
  assert.equal(await background(light.page), bright, 'the button turns it');
  await light.page.reload();
  await light.page.locator('button.theme').waitFor();
  assert.equal(await background(light.page), bright, 'the choice is remembered');
  await light.page.evaluate(() => localStorage.clear());
  assert.deepEqual(light.sins, []);
  await light.page.close();
});

test('keyboard: a link to skip to the content comes first, every page can be reached', async () => {
  const { page } = await browser.open(url);
  await ready(page);
  await page.keyboard.press('Tab');
  assert.match(await page.evaluate(() => document.activeElement.textContent), /to the content/);
  const reached = new Set();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.textContent));
  }
  for (const name of ['Core sample', 'Findings', 'Requests', 'Sources', 'Catalog'])
    assert.ok([...reached].includes(name), `${name} is not reached: ${[...reached]}`);
  await page.close();
});

// ---- On the mock only: a known story.

test(
  'replayed values carry their badge, the page says so, and no sum mixes origins',
  kMockOnly,
  async () => {
    const { page, sins } = await browser.open(url);
    await ready(page);
    await page.locator('[data-origin=demo] [data-test=bill]').waitFor();
    assert.match(await page.title(), /replayed: demo/);
    assert.match(await page.locator('[data-test=worldbar]').innerText(), /recorded data/);
    assert.match(await page.locator('[data-origin=demo] h1').innerText(), /replayed/);
    assert.doesNotMatch(await page.locator('[data-origin=live] h1').innerText(), /replayed/);
    assert.equal(await page.locator('[data-origin=live] [data-test=bill]').innerText(), '$0.0319');
    assert.equal(await page.locator('[data-origin=demo] [data-test=bill]').innerText(), '$22.67');
    for (const strip of await page.locator('.strip.is-replayed').all()) {
      const marked = await strip
        .locator('.spark, .chips a')
        .evaluateAll((all) => all.every((s) => /replayed/.test(s.textContent)));
      assert.ok(marked, `${await strip.getAttribute('data-layer')} has an unmarked replayed value`);
    }
    await page
      .getByRole('group', { name: 'origin' })
      .getByRole('button', { name: 'live', exact: true })
      .click();
    await page.locator('[data-origin=demo]').waitFor({ state: 'detached' });
    assert.match(
      await page.locator('.strip[data-layer=l1_gpu] .why').innerText(),
      /not measured: nothing live/,
    );
    assert.doesNotMatch(await page.title(), /replayed/);
    assert.deepEqual(sins, []);
    await page.close();
  },
);

test(
  'headline: at least, per million, loaded figure and all classes with money and share',
  kMockOnly,
  async () => {
    const { page } = await browser.open(url, '#/overview?origin=demo');
    const card = page.locator('[data-origin=demo]');
    await card.locator('.legend li').first().waitFor();
    assert.match(
      (await card.locator('[data-test=headline]').innerText()).replace(/\s+/g, ' '),
      /^at least \$2\.08 per million useful tokens/,
    );
    assert.match(await card.innerText(), /fully loaded\s+\$2\.71/);
    const legend = (await card.locator('.legend').innerText()).replace(/\s+/g, ' ');
    for (const want of [
      /useful \$3\.91 17 %/,
      /SLO miss \$0\.831 3\.7 %/,
      /aborted \$0\.221 1\.0 %/,
      /error \$0\.0412 0\.2 %/,
      /idle, held \$2\.50 11 %/,
      /unallocated \$2\.50 11 % free \$2\.10/,
      /unobserved \$0\.300 1\.3 %/,
      /not assessed \$2\.49 11 %/,
      /recomputed not assessed/,
    ])
      assert.match(legend, want);
    const shares = await card
      .locator('.bar .seg')
      .evaluateAll((all) => all.map((s) => s.getBoundingClientRect().width));
    assert.ok(
      Math.abs(shares[0] / shares.reduce((a, b) => a + b, 0) - 0.17) < 0.02,
      'the first segment is as wide as its money',
    );
    await page.close();
  },
);

test(
  'findings: symptom, ranked causes, evidence with values, remedy and money',
  kMockOnly,
  async () => {
    const { page } = await browser.open(url, '#/findings?origin=demo');
    const card = page.locator('.finding').first();
    await card.waitFor();
    assert.match(
      await card.locator('summary').innerText(),
      /Time to first token rises[\s\S]*9\.2 s usual 70 ms[\s\S]*KV cache is full[\s\S]*\$0\.830\/h/,
    );
    assert.deepEqual(await card.locator('.cause .rank').allInnerTexts(), ['1', '2', '3']);
    assert.match(
      (await card.locator('.evidence li').first().innerText()).replace(/\s+/g, ' '),
      /inference\.kv_usage_ratio 97 % usual 36 %/,
    );
    assert.match(
      await card.locator('.cause').nth(2).innerText(),
      /system\.cpu\.utilization\s+not measured/,
    );
    assert.match(await card.locator('.remedy').first().innerText(), /gpu_memory_utilization/);
    await page.close();
  },
);

test(
  'requests: status, tokens, absent numbers stay absent; a row opens its waterfall',
  kMockOnly,
  async () => {
    const { page, sins } = await browser.open(url, '#/requests?origin=demo');
    await page.locator('tr.link').first().waitFor();
    const failed = page.locator('tr.link', { has: page.locator('.call-error') }).first();
    assert.equal(
      await failed.locator('td').nth(6).innerText(),
      '–',
      'output tokens of a failed call are not 0',
    );
    assert.match(
      await page
        .locator('tr.link', { has: page.locator('.call-aborted') })
        .first()
        .innerText(),
      /≈/,
    );
    await page.locator('tr.link a').first().focus();
    await page.keyboard.press('Enter');
    await page.waitForURL(/#\/trace\//);
    await page.locator('.waterfall li').nth(2).waitFor();
    const lefts = await page
      .locator('.span-bar')
      .evaluateAll((all) => all.map((b) => b.getBoundingClientRect().left));
    assert.ok(lefts[0] < lefts[1] && lefts[1] < lefts[2], 'children start after their parents');
    await page.locator('.waterfall li > button').nth(2).click();
    assert.match(await page.locator('.attrs').innerText(), /queue\s+610 ms/);
    assert.deepEqual(sins, []);
    await page.close();
  },
);

test(
  'the server goes away: stale since, greyed, and it comes back by itself',
  kMockOnly,
  async (t) => {
    const own = await startMock();
    t.after(() => own.close());
    const { page } = await browser.open(own.url);
    await ready(page);
    await page.locator('.wire.live').waitFor();
    own.drop();
    await page.locator('.wire.stale').waitFor({ timeout: 15000 });
    assert.match(await page.locator('[data-test=link]').innerText(), /^stale since \d\d:\d\d:\d\d/);
    assert.match(await page.locator('.stalebar').innerText(), /as it was then/);
    assert.equal(await page.locator('.strip').count(), 8, 'what was known stays');
    own.resume();
    await page.locator('.wire.live').waitFor({ timeout: 20000 });
    assert.equal(await page.locator('.stalebar').count(), 0);
    await page.close();
  },
);

test('the connection stands but is silent: stale too', kMockOnly, async (t) => {
  const own = await startMock();
  t.after(() => own.close());
  const { page } = await browser.open(own.url);
  await page.locator('.wire.live').waitFor();
  own.mute(true);
  await page.waitForTimeout(5000);
  assert.equal(await page.locator('.wire.live').count(), 1, 'five seconds are no silence');
  await page.locator('.wire.stale').waitFor({ timeout: 9000 });
  own.mute(false);
  await page.locator('.wire.live').waitFor({ timeout: 9000 });
  await page.close();
});

test(
  'a machine that has nothing but itself: not measured with reasons, never 0',
  kMockOnly,
  async (t) => {
    const own = await startMock({ scenario: 'bare' });
    t.after(() => own.close());
    const { page, sins } = await browser.open(own.url);
    await ready(page);
    assert.match(
      await page.locator('[data-test=headline]').innerText(),
      /not measured\s+no device of this machine has a price/,
    );
    assert.equal(await page.locator('.strip.is-absent').count(), 7);
    assert.equal(
      await page.getByRole('group', { name: 'origin' }).count(),
      0,
      'one origin, no switch',
    );
    await assertHonest(page, 'the bare overview');
    assert.deepEqual(sins, []);
    await page.close();
  },
);
