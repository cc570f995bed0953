// Called by `.ci/console` with the address of the example `console` and a folder for screenshots.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [address, kept] = process.argv.slice(2);
const home = `${address}/breakers`;
const axe = readFileSync(new URL('node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] });
const troubles = [];

// A page of its own. What it says in the console, what breaks in it, and what it asks of others is trouble.
const open = async options => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.on('console', said => ['error', 'warning'].includes(said.type()) && troubles.push(said.text()));
  page.on('pageerror', error => troubles.push(String(error)));
  page.on('request', request => request.url().startsWith(address) || troubles.push(`asked for ${request.url()}`));
  return page;
};
const set = (name, mood) => fetch(`${address}/set/${name}/${mood}`, { method: 'POST', redirect: 'manual' });
const order = (name, form) => fetch(`${home}?circuit=${name}`, { method: 'POST', headers: { accept: 'application/json' }, body: new URLSearchParams(form) });
const state = async name => (await (await fetch(`${home}?json&circuit=${name}`)).json()).state;
const shows = (page, name, word) => page.waitForFunction(([name, word]) =>
  [...document.querySelectorAll('tr')].some(row => row.innerText.includes(name) && row.querySelector('.state')?.innerText === word), [name, word], { timeout: 10_000 });
const focused = page => page.evaluate(() => document.activeElement.innerText || document.activeElement.name);
const tabTo = async (page, what) => {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    if ((await focused(page)).trim() === what) return;
  }
  assert.fail(`nothing called ${what} can be reached by Tab`);
};
const step = async (what, act) => {
  const begun = performance.now();
  await act();
  console.log(`${what}: ${Math.round(performance.now() - begun)} ms`);
};
const violations = async page => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  return found.violations.map(one => `${one.id}: ${one.nodes.map(node => node.html).join(' ')}`);
};
// No two cells of a row, and no two rows, share more than a pixel; nothing is wider than the page.
const overlaps = page => page.evaluate(() => {
  const found = [];
  const box = element => element.getBoundingClientRect();
  const apart = (a, b) => a.right <= b.left + 1 || b.right <= a.left + 1 || a.bottom <= b.top + 1 || b.bottom <= a.top + 1 || !a.width || !b.width;
  const check = elements => elements.forEach((one, number) => elements.slice(number + 1).forEach(other =>
    apart(box(one), box(other)) || found.push(`${one.outerHTML.slice(0, 90)} on ${other.outerHTML.slice(0, 90)}`)));
  for (const row of document.querySelectorAll('tbody tr')) check([...row.cells]);
  check([...document.querySelectorAll('tbody tr')]);
  check([...document.querySelectorAll('header > *')]);
  check([...document.querySelectorAll('.orders li > *, .orders h2, .orders p')]);
  check([...document.querySelectorAll('dl > div')]);
  for (const element of document.querySelectorAll('body *'))
    if (element.matches(innerWidth > 1088 ? 'td, th, p, li, h1, h2' : 'tbody td, tbody th, p, li, h1, h2') && element.clientWidth > 1 && element.scrollWidth > element.clientWidth + 1) found.push(`cut off: ${element.outerHTML.slice(0, 90)}`);
    else if (box(element).right > innerWidth + 1) found.push(`too wide: ${element.outerHTML.slice(0, 90)}`);
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
  return found;
});

await step('an outage appears within a second after the trip, without a reload', async () => {
  const page = await open();
  await page.goto(home);
  await shows(page, 'payments', 'closed');
  await page.evaluate(() => { window.here = true; });
  // The focus stays where it is while rows are swapped.
  await tabTo(page, 'payments');
  await set('payments', 'failing');
  let tripped;
  while (!tripped) if (await state('payments') === 'open') tripped = performance.now();
  await shows(page, 'payments', 'open');
  const late = performance.now() - tripped;
  assert.ok(late < 1000, `after ${late} ms`);
  console.log(`  ${Math.round(late)} ms after the trip`);
  assert.ok(await page.evaluate(() => window.here), 'the page was loaded again');
  assert.match(await page.title(), /^1 (open|half-open)/);
  assert.match(await page.getAttribute('link[rel=icon]', 'href'), /icon=(open|half-open)/);
  assert.equal(await focused(page), 'payments', 'the focus was lost');
  await page.waitForTimeout(2500);
  assert.equal(await focused(page), 'payments', 'the focus was lost');
  await page.context().close();
});

await step('the page says who is in the fleet and who is against a circuit', async () => {
  const page = await open();
  await page.goto(home);
  await page.getByText('Connected: hears 2 other processes, 1 of its zone eu-1a.').waitFor();
  await page.getByText('2 of 2 peers against it').waitFor();
  await page.goto(`${home}?circuit=payments`);
  await page.getByText('2 of 2 (own zone 1 of 1, others 1 of 1)').waitFor();
  await page.context().close();
});

await step('isolated by keyboard alone, and undone', async () => {
  const page = await open();
  await page.goto(home);
  await tabTo(page, 'search');
  await page.keyboard.press('Enter');
  await page.waitForURL('**?circuit=search');
  await tabTo(page, 'reason');
  await page.keyboard.type('their database moves');
  await tabTo(page, 'Isolate');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Do nothing' }).waitFor();
  assert.equal(await state('search'), 'closed', 'it was not asked once more');
  assert.equal(await focused(page), 'Isolate');
  await page.keyboard.press('Enter');
  await page.waitForURL('**?circuit=search');
  await page.getByText('somebody: their database moves').first().waitFor();
  assert.equal(await state('search'), 'isolated');
  await tabTo(page, 'reason');
  await page.keyboard.type('they moved');
  await tabTo(page, 'Reset');
  await page.keyboard.press('Enter');
  await page.locator('.card.closed').waitFor();
  assert.equal(await state('search'), 'closed');
  await page.context().close();
});

await step('the same without JavaScript', async () => {
  const page = await open({ javaScriptEnabled: false });
  await page.goto(home);
  await page.getByRole('link', { name: 'search' }).click();
  await page.getByLabel('Reason').fill('their database moves');
  await page.getByRole('button', { name: 'Isolate' }).click();
  await page.getByRole('button', { name: 'Isolate' }).click();
  await page.locator('.card.isolated').waitFor();
  assert.equal(await state('search'), 'isolated');
  await page.getByRole('link', { name: 'Circuits' }).click();
  assert.match(await page.locator('#summary').innerText(), /1 isolated/);
  await set('payments', 'healthy');
  // It loads itself again.
  await page.getByRole('row', { name: /^closed payments/ }).waitFor({ timeout: 20_000 });
  await page.getByRole('link', { name: 'search' }).click();
  await page.getByLabel('Reason').fill('they moved');
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.locator('.card.closed').waitFor();
  await page.context().close();
});

await step('nothing is asked for while the tab is hidden, and all is there when it is seen again', async () => {
  const page = await open();
  let asked = 0;
  page.on('request', () => asked++);
  await page.goto(home);
  await shows(page, 'recommendations', 'closed');
  const hide = hidden => page.evaluate(hidden => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  await hide(true);
  asked = 0;
  await order('recommendations', { command: 'isolate', reason: 'nobody looks' });
  await page.waitForTimeout(1500);
  assert.equal(asked, 0);
  assert.ok(!(await page.locator('#summary').innerText()).includes('isolated'), 'the stream goes on');
  await hide(false);
  await shows(page, 'recommendations', 'isolated');
  await page.context().close();
});

await step('where all streams are taken the page asks again and again', async () => {
  const held = new AbortController();
  const streams = await Promise.all(Array.from({ length: 32 }, () => fetch(`${home}?events`, { signal: held.signal })));
  assert.ok(streams.every(stream => stream.ok));
  assert.equal((await fetch(`${home}?events`)).status, 503);
  const page = await open();
  const before = troubles.length;
  await page.goto(home);
  await shows(page, 'recommendations', 'isolated');
  await order('recommendations', { command: 'reset', reason: 'somebody looks' });
  await shows(page, 'recommendations', 'closed');
  assert.ok(troubles.splice(before).every(trouble => trouble.includes('503')));
  held.abort();
  await page.context().close();
});

// Something of everything to look at.
await set('payments', 'failing');
await order('search', { command: 'isolate', for: 86_000, reason: 'their database moves' });
await order('recommendations', { command: 'observe_only', reason: 'we try other settings' });
while (await state('payments') !== 'open') await new Promise(done => setTimeout(done, 50));

for (const colorScheme of ['light', 'dark']) {
  await step(`${colorScheme}: nothing overlaps, and axe finds nothing`, async () => {
    for (const [name, width] of [['wide', 1280], ['narrow', 1090], ['phone', 360]]) {
      const page = await open({ colorScheme, viewport: { width, height: 800 } });
      const look = async part => {
        await page.screenshot({ path: `${kept}/${part}-${name}-${colorScheme}.png`, fullPage: true });
        assert.deepEqual(await overlaps(page), [], `${part}, ${name}`);
        if (name === 'wide' || name === 'phone') assert.deepEqual(await violations(page), [], `${part}, ${name}`);
      };
      await page.goto(home);
      await look('list');
      await page.goto(`${home}?circuit=payments`);
      await look('detail');
      await page.getByLabel('Reason').fill('their database moves');
      await page.locator('[name=isolate_for]').selectOption('4 hours');
      await page.getByRole('button', { name: 'Isolate' }).click();
      await page.getByText('Rejects every call for 4h 0m').waitFor();
      await page.getByRole('link', { name: 'Do nothing' }).waitFor();
      await look('confirm');
      await page.goto(`${home}?table=tenants`);
      await look('table');
      await page.context().close();
    }
  });
}

await step('on paper and in a picture', async () => {
  await order('recommendations', { command: 'reset', reason: 'we have seen enough' });
  const page = await open({ viewport: { width: 1280, height: 640 } });
  await page.goto(home);
  await page.screenshot({ path: `${kept}/picture.png` });
  await page.pdf({ path: `${kept}/list.pdf` });
  await page.context().close();
});

await step('the policy is in force', async () => {
  const page = await open();
  await page.goto(home);
  const before = troubles.length;
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  assert.ok(!await page.evaluate(() => window.ran), 'an inline script ran');
  await page.waitForTimeout(200);
  assert.ok(troubles.splice(before).some(trouble => trouble.includes('Content Security Policy')));
  await page.context().close();
});

assert.deepEqual(troubles, []);
await browser.close();
console.log(`no error in the console, no request to another host; the screenshots are in ${kept}`);
