// SPDX-License-Identifier: Apache-2.0
/*
 * What each method does in a browser, and what keeps it from measuring:
 * policies, caches, hidden tabs, clocks, pages that pause.
 *
 * Speaks TAP; arguments: URL over the slow link, over the fast link.  Each
 * visit is a browser context of its own, so a client without a cookie.
 */
import { chromium } from 'playwright-core';

const [slowUrl, fastUrl] = process.argv.slice(2);
const linkKbps = Number(process.env.DI_LINK_KBPS);
const BEACON = '/speedprobe-beacon';
const LOAD_MS = 60000;
const WAIT_MS = 15000;

let tests = 0;
let failures = 0;
let browser;

function ok(pass, name, seen) {
  tests += 1;
  console.log(`${pass ? 'ok' : 'not ok'} ${tests} - ${name}`);
  if (pass) return;
  failures += 1;
  if (seen !== undefined) console.log('# seen: ' + JSON.stringify(seen));
}

function is(seen, expected, name) {
  ok(JSON.stringify(seen) === JSON.stringify(expected), name, seen);
}

async function until(condition) {
  for (let waited = 0; !condition() && waited < WAIT_MS; waited += 50) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return condition();
}

// A browser context that remembers what was asked and complained of.
async function visitor(script) {
  const context = await browser.newContext();
  if (script) await context.addInitScript(script);
  const seen = { context, complaints: [], beacons: [], probes: [] };
  seen.page = await context.newPage();
  seen.page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type())) {
      seen.complaints.push(m.text());
    }
  });
  seen.page.on('pageerror', (e) => seen.complaints.push(String(e)));
  context.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname === BEACON) seen.beacons.push(request);
    if (pathname === `${BEACON}/probe`) seen.probes.push(request);
  });
  return seen;
}

async function load(seen, url) {
  const response = await seen.page.goto(url, { timeout: LOAD_MS });
  return response;
}

// The numbers of a beacon, and whether its answer set the cookie.
async function told(request) {
  const response = await request.response();
  return {
    ...Object.fromEntries(new URLSearchParams(request.postData())),
    status: response.status(),
    cookie: /^sp=/m.test((await response.headersArray())
      .filter((h) => h.name.toLowerCase() === 'set-cookie')
      .map((h) => h.value).join('\n')),
  };
}

async function firstBeacon(seen) {
  await until(() => seen.beacons.length > 0);
  return seen.beacons.length ? told(seen.beacons[0]) : {};
}

// A page that is loaded again through a service worker.
async function fromWorker() {
  const seen = await visitor();
  await load(seen, `${fastUrl}worker.html`);
  await until(() => seen.beacons.length > 0);
  is(seen.beacons.length, 1, 'P9: before there is a service worker: a beacon');
  await seen.page.evaluate(() => navigator.serviceWorker.ready);
  await load(seen, `${fastUrl}worker.html`);
  ok(await seen.page.evaluate(() => !!navigator.serviceWorker.controller &&
    performance.getEntriesByType('navigation')[0].workerStart > 0),
  'P9: the page comes through the service worker');
  is(await nothingMore(seen), 1, 'P9: through the service worker: no beacon');
  await seen.context.close();
}

// Navigation Timing taken away.
async function oldBrowser() {
  for (const [path, keys] of [['', ['mb', 'md']],
    ['padding/', ['fb', 'fd', 'mb', 'md']]]) {
    const seen = await visitor(
      'Performance.prototype.getEntriesByType = () => []');
    await load(seen, `${slowUrl}${path}short.html`);
    const beacon = await firstBeacon(seen);
    is(Object.keys(beacon).filter((k) => /^[mfprn][bd]$/.test(k)), keys.sort(),
      `${path || 'inline'}: an old browser tells its clock between the scripts`);
    is(beacon.status, 204, 'and that is understood');
    await seen.context.close();
  }
}

// Sizes taken away, as Safari before 16.4 has none.
async function withoutSizes() {
  const seen = await visitor(
    "for (const k of ['transferSize', 'encodedBodySize', 'decodedBodySize'])" +
    ' delete PerformanceResourceTiming.prototype[k]');
  await load(seen, `${slowUrl}short.html`);
  const beacon = await firstBeacon(seen);
  is(Object.keys(beacon).filter((k) => /^[mfprn][bdt]$/.test(k)), ['mb', 'md'],
    'a browser without sizes tells its clock between the scripts');
  is(beacon.status, 204, 'and that is understood');
  is(seen.complaints, [], 'and nothing is complained of');
  await seen.context.close();
}

// Longer than a minute: the server would not believe it, nor the rest.
async function longRoundTrip() {
  const seen = await visitor(
    "Object.defineProperty(PerformanceResourceTiming.prototype, 'requestStart'," +
    '{ get() { return this.responseStart - 70000; } });' +
    "Object.defineProperty(PerformanceResourceTiming.prototype, 'connectStart'," +
    '{ get() { return 0; } });' +
    "Object.defineProperty(PerformanceResourceTiming.prototype, 'connectEnd'," +
    '{ get() { return 0; } });');
  await load(seen, `${slowUrl}long.html`);
  const beacon = await firstBeacon(seen);
  is([beacon.rt, beacon.status], ['0', 204],
    'a round trip that nobody believes is left out');
  await seen.context.close();
}

// A base URL of another site would be asked for the external script.
async function anotherBase() {
  for (const path of ['external', 'probe']) {
    const seen = await visitor();
    const asked = [];
    seen.context.on('request', (r) => asked.push(new URL(r.url()).host));
    await load(seen, `${slowUrl}${path}/base.html`);
    const beacon = await firstBeacon(seen);
    is(beacon.status, 204, `${path}: a page of another base measures, inline`);
    is([...new Set(asked)], [new URL(slowUrl).host],
      `${path}: and asks nobody else`);
    is(seen.complaints, [], `${path}: nothing is complained of`);
    await seen.context.close();
  }
}

// Time in which something that must not happen would have happened.
async function nothingMore(seen) {
  await seen.page.waitForTimeout(1500);
  return seen.beacons.length;
}

function near(kbps, name) {
  ok(kbps >= linkKbps * 0.7 && kbps <= linkKbps * 1.2,
    `${name}: near ${linkKbps} kbit/s`, kbps);
}

async function speed(seen) {
  const response = await load(seen, `${slowUrl}none.txt`);
  return Number(response.headers()['x-speed']);
}

// ---- where the script stands ----

async function inlineScript() {
  const seen = await visitor('window.__before = Object.keys(window)');
  await load(seen, `${slowUrl}long.html`);
  const beacon = await firstBeacon(seen);
  is([beacon.status, beacon.cookie], [204, true], 'inline: a beacon, a cookie');
  const added = await seen.page.evaluate(() => Object.keys(window)
    .filter((k) => !window.__before.includes(k) && k !== '__before'));
  is(added, ['__speedprobe'], 'P31: inline: one global');
  is(seen.complaints, [], 'P31: inline: no complaint');
  near(await speed(seen), 'inline');
  await seen.context.close();
}

async function externalScript(path, name) {
  const seen = await visitor('window.__before = Object.keys(window)');
  await load(seen, `${slowUrl}${path}/long.html`);
  const beacon = await firstBeacon(seen);
  is([beacon.status, beacon.cookie], [204, true],
    `${name}: a beacon, a cookie`);
  ok(beacon.pb > 10000 && beacon.rt >= 1 && beacon.ck >= 1 && beacon.pe >= 0,
    `${name}: with numbers of the page`, beacon);
  const added = await seen.page.evaluate(() => Object.keys(window)
    .filter((k) => !window.__before.includes(k) && k !== '__before'));
  is(added, [], `P31: ${name}: no global`);
  is(seen.complaints, [], `P23: ${name}: no complaint, no violation`);
  await seen.context.close();
}

async function inFrame() {
  const seen = await visitor();
  await load(seen, `${fastUrl}frame.html`);
  is(await nothingMore(seen), 1, 'P31: a frame does not measure, its page does');
  await seen.context.close();
}

// ---- probe and padding ----

async function probe() {
  const seen = await visitor();
  await load(seen, `${slowUrl}probe/short.html`);
  await until(() => seen.beacons.some((b) => /nt=/.test(b.postData())));
  const report = seen.beacons.find((b) => /nt=/.test(b.postData()));
  ok(report, 'probe: a report', seen.probes.map((p) => p.url()));
  if (report) {
    const numbers = await told(report);
    console.log('# probe: ' + JSON.stringify(numbers));
    is([numbers.np, numbers.cookie], ['1', true],
      'probe: the line was full, and the report counts');
  }
  const sizes = await Promise.all(seen.probes.map(async (p) =>
    Number((await p.response()).headers()['content-length'] || 0)));
  console.log('# probe: steps ' + JSON.stringify(sizes));
  ok(sizes[0] === 16384 && sizes.reduce((a, b) => a + b) <= 262144,
    'probe: small steps, within the budget', sizes);
  near(await speed(seen), 'probe');
  is(seen.complaints, [], 'probe: no complaint');

  const before = seen.probes.length;
  await load(seen, `${slowUrl}probe/short.html`);
  await until(() => seen.probes.length > before);
  await seen.page.waitForTimeout(500);
  const again = await Promise.all(seen.probes.slice(before)
    .map(async (p) => (await p.response()).status()));
  is(again, [204], 'probe: what is known is not measured again');
  await seen.context.close();
}

async function noProbe(name, script) {
  const seen = await visitor(script);
  await load(seen, `${slowUrl}probe/short.html`);
  await seen.page.waitForTimeout(2500);
  is(seen.probes.length, 0, `${name}: no probe`);
  is(seen.complaints, [], `${name}: no complaint`);
  await seen.context.close();
}

async function padding() {
  const seen = await visitor();
  await load(seen, `${slowUrl}padding/short.html`);
  const beacon = await firstBeacon(seen);
  console.log('# padding: ' + JSON.stringify(beacon));
  is(Number(beacon.fb), 14336 - '<!---->'.length,
    'padding: its size is known to the script');
  ok('fd' in beacon && beacon.pb > 14336, 'padding: with its time', beacon);
  is(await seen.page.evaluate(() => document.body.innerText.trim()), 'Short.',
    'padding: nobody sees it');
  near(await speed(seen), 'padding');
  is(seen.complaints, [], 'padding: no complaint');
  await seen.context.close();
}

// ---- what is no measurement ----

async function fromCache() {
  const seen = await visitor();
  for (const path of ['fresh.html', 'stale.html']) {
    const before = seen.beacons.length;
    await load(seen, `${fastUrl}cached/${path}`);
    await until(() => seen.beacons.length > before);
    is(seen.beacons.length, before + 1, `P9: ${path}: first from the network`);
    await load(seen, `${fastUrl}none.txt`);
    await load(seen, `${fastUrl}cached/${path}`);
    is(await nothingMore(seen), before + 1,
      `P9: ${path}: then from the cache, no beacon`);
  }
  await seen.context.close();
}

async function fromHistory() {
  const seen = await visitor(
    'addEventListener("pageshow", (e) => { window.__shown = e.persisted })');
  await load(seen, `${fastUrl}external/short.html`);
  await until(() => seen.beacons.length > 0);
  await load(seen, `${fastUrl}none.txt`);
  await seen.page.evaluate(() => { history.back(); });
  await seen.page.waitForURL(/short/, { waitUntil: 'commit' });
  const persisted = await seen.page.evaluate(() => window.__shown);
  console.log(`# from history: persisted ${persisted}`);
  is(await nothingMore(seen), 1, 'P9: a page out of history sends no beacon');
  await seen.context.close();
}

// The page is prefetched, or rendered, before it is asked for.
async function ahead(kind) {
  const seen = await visitor();
  await load(seen, `${fastUrl}${kind}.html`);
  await until(() => seen.beacons.length > 0);
  await seen.page.waitForTimeout(1500);
  const own = seen.beacons.length;
  await seen.page.click('a');
  await seen.page.waitForURL(/target/);
  const entry = await seen.page.evaluate(() => {
    const g = performance.getEntriesByType('navigation')[0];
    return { delivery: g.deliveryType, activated: g.activationStart };
  });
  console.log(`# ${kind}: ${JSON.stringify(entry)}`);
  // A browser may make less of it than it was told.
  ok(entry.delivery || entry.activated > 0, `P9: ${kind}: loaded ahead`, entry);
  is(await nothingMore(seen), own, `P9: ${kind}: no beacon`);
  await seen.context.close();
}

async function hidden() {
  const seen = await visitor('Object.defineProperty(document, "hidden", ' +
    '{ get: () => true })');
  await load(seen, `${fastUrl}short.html`);
  is(await nothingMore(seen), 0, 'P15: loaded in a hidden tab: no beacon');
  await seen.context.close();
}

async function leftEarly() {
  const seen = await visitor();
  await seen.page.goto(`${fastUrl}endless.html`, { waitUntil: 'commit' });
  await seen.page.waitForSelector('#last');
  const response = await load(seen, `${fastUrl}none.txt`);
  is(response.status(), 200, 'P15: a page can be left before it is complete');
  await seen.page.waitForTimeout(500);
  ok(seen.beacons.length <= 1, 'P15: and says so at most once',
    seen.beacons.length);
  is(seen.complaints, [], 'P15: no complaint');
  await seen.context.close();
}

async function coarseClock() {
  const seen = await visitor('const now = performance.now.bind(performance);' +
    'Performance.prototype.now = () => Math.floor(now() / 100) * 100;');
  await load(seen, `${slowUrl}long.html`);
  const beacon = await firstBeacon(seen);
  ok(beacon.ck >= 99, 'P12: a clock of 100 ms is recognized', beacon);
  await seen.context.close();
}

// 60 kB in two halves, over the slow link: with a pause it would read slow.
async function pauses() {
  for (const [page, cookie] of [['steady.cgi', true], ['pausing.cgi', false],
    ['often.cgi', false], ['late.cgi', true]]) {
    const seen = await visitor();
    await load(seen, `${slowUrl}${page}`);
    const beacon = await firstBeacon(seen);
    console.log(`# ${page}: ` + JSON.stringify(beacon));
    is(beacon.cookie, cookie,
      `P3: ${page}: its time ${cookie ? 'counts' : 'does not count'}`);
    if (page === 'steady.cgi') near(await speed(seen), `P3: ${page}`);
    // Its start is taken for a long round trip, so it gives a bound.
    if (page === 'late.cgi') {
      ok(await speed(seen) <= linkKbps * 1.2, `P3: ${page}: no more than it is`);
    }
    await seen.context.close();
    // The pause of one page lies 2 s around: let it be over.
    await new Promise((done) => setTimeout(done, 3000));
  }
}

async function main() {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--headless=new', '--no-sandbox', '--disable-gpu',
      '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
      // As if over TLS: so it tells Sec-Fetch-*, and loads pages ahead.
      '--unsafely-treat-insecure-origin-as-secure=' +
        [slowUrl, fastUrl].map((u) => new URL(u).origin).join(',')],
  });
  try {
    await inlineScript();
    await externalScript('external', 'external');
    await externalScript('self', 'external for the policy\'s sake');
    await externalScript('nonce', 'external with a nonce');
    await inFrame();
    await probe();
    await noProbe('P22: Save-Data',
      'Object.defineProperty(navigator, "connection", ' +
      '{ get: () => ({ saveData: true }) })');
    await noProbe('P15: hidden',
      'Object.defineProperty(document, "hidden", { get: () => true })');
    await padding();
    await oldBrowser();
  await withoutSizes();
  await longRoundTrip();
  await anotherBase();
    await fromCache();
    await fromHistory();
    await fromWorker();
    await ahead('prefetch');
    await ahead('prerender');
    await hidden();
    await leftEarly();
    await coarseClock();
    await pauses();
  } finally {
    await browser.close();
  }
}

try {
  await main();
} catch (e) {
  ok(false, 'the browser got through all visits');
  console.log('# ' + String(e.stack || e).replace(/\n/g, '\n# '));
}
console.log(`1..${tests}`);
process.exit(failures ? 1 : 0);
