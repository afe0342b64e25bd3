// SPDX-License-Identifier: Apache-2.0
/*
 * What a browser finds out in one cell: the patent's page scripts, Navigation
 * Timing, our page methods, boomerang's BW plugin, and the browser's own idea
 * of its network.  Started by bench/speed/cell in the client's namespace.
 *
 * Each page is loaded in a new context, so over a new connection, and from an
 * address nobody came from before.
 */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { chromium } from 'playwright-core';

const env = process.env;
const KBPS = Number(env.BENCH_KBPS);
const TRUTH_KBPS = KBPS * 1448 / 1500;
const RUNS = Number(env.BENCH_BROWSER_RUNS);
const METHODS = env.BENCH_METHODS.split(',');
const SITE = `${env.DI_RUN}/site`;
const LOAD_MS = 120000;
const MOST_SECONDS = 18; // for one page
const PAGES = [['1k', 1000], ['20k', 20000], ['100k', 100000]]
  .filter(([, bytes]) => bytes * 8 / 1000 / KBPS <= MOST_SECONDS);
const BEACON_PATH = '/speedprobe-beacon';
const SETTLE_MS = 30000;
const QUIET_MS = 2500;
const PORT = { timing: 8082, probe: 8083, plain: 8084 };

let visitors = 0;

function row(method, object, run, { estimate, bound = 0, tier = '-', bytes = 0,
  ms = 0 }) {
  const value = Number.isFinite(estimate) ? estimate.toPrecision(6)
    : estimate === Infinity ? 'inf' : '0';
  fs.appendFileSync(env.BENCH_DATA, [env.BENCH_CELL, KBPS, env.BENCH_RTT_MS,
    env.BENCH_CONTROL, method, object, run, TRUTH_KBPS.toFixed(1), value,
    bound, tier, Math.round(bytes), Math.round(ms)].join('\t') + '\n');
}

function newAddress() {
  visitors += 1; // the other half of those that Lab.pm takes
  const address = `10.${120 + (visitors >> 8)}.${visitors & 255}.1`;
  execFileSync('ip', ['route', 'replace', '10.98.0.0/24', 'dev', 'client',
    'scope', 'link', 'src', address]);
  return address;
}

// What the server sent to an address, headers included.
function bytesTo(address) {
  return fs.readFileSync(`${env.DI_RUN}/logs/access.log`, 'utf8').split('\n')
    .filter((line) => line.startsWith(`${address} `))
    .reduce((sum, line) => sum + Number(/" \d+ (\d+) /.exec(line)[1]), 0);
}

function url(port, path) {
  return `http://${env.LAB_SERVER}:${port}/${path}`;
}

// One page in a context of its own; look(page) says what was seen there.
async function visit(browser, address, look) {
  const context = await browser.newContext();
  try {
    return await look(await context.newPage());
  } finally {
    await context.close();
  }
}

async function load(page, address) {
  await page.goto(address, { waitUntil: 'load', timeout: LOAD_MS });
}

// ---- The patent's method and Navigation Timing: one load, two values --------

function writePages() {
  const filler = fs.readFileSync(`${SITE}/100k.html`, 'latin1')
    .replace(/^.*<p>/s, '');
  const head = '<!DOCTYPE html><html><head><meta charset=utf-8>' +
    '<script>var started = new Date();</script>' +
    '<title>page</title><link rel=icon href=data:,></head><body><p>';
  const tail = '</p><script>var took_ms = new Date() - started;</script>' +
    '</body></html>\n';
  for (const [name, bytes] of PAGES) {
    fs.writeFileSync(`${SITE}/patent-${name}.html`, head +
      filler.slice(0, bytes - head.length - tail.length) + tail);
  }
}

async function pages(browser, run) {
  for (const [name] of PAGES) {
    const address = newAddress();
    const seen = await visit(browser, address, async (page) => {
      await load(page, url(PORT.plain, `patent-${name}.html`));
      return page.evaluate(() => {
        const [n] = performance.getEntriesByType('navigation');
        const c = navigator.connection || {};
        return { took_ms, bytes: n.encodedBodySize,
          body_ms: n.responseEnd - n.responseStart, all_ms: n.responseEnd,
          hint: [c.effectiveType, c.rtt, c.downlink].join('-') };
      });
    });
    const cost = { bytes: seen.bytes, ms: seen.all_ms };
    row('patent', name, run,
      { estimate: seen.bytes * 8 / seen.took_ms, ...cost });
    row('navigation-timing', name, run,
      { estimate: seen.bytes * 8 / seen.body_ms, ...cost });
    row('hint', seen.hint, run,
      { estimate: Number(seen.hint.split('-').pop()) * 1000 });
  }
}

// ---- Our page methods -------------------------------------------------------

// What the server knows of the one who looks at this page, cookie included.
async function known(page) {
  const header = await page.evaluate(async () =>
    (await fetch('/1k.bin', { cache: 'no-store' })).headers.get('x-speed'));
  const told = Object.fromEntries(
    header.split(' ').map((m) => m.split('=')));
  const estimate = Number(told.kbps) || 0;
  const tier = estimate && /^t(\d)$/.exec(told.band);
  return { estimate, bound: Number(told.bound) || 0,
    tier: tier ? tier[1] : '-' };
}

// Until all that our page method does is over: a report, and of the probe its
// steps too.  QUIET_MS is longer than it rests between two of them.
function settled(page) {
  let running = 0;
  let last = Date.now();
  let reports = 0;
  const oursOnly = (look) => (request) => {
    if (!new URL(request.url()).pathname.startsWith(BEACON_PATH)) return;
    look(request);
    last = Date.now();
  };
  page.on('request', oursOnly(() => { running += 1; }));
  page.on('requestfailed', oursOnly(() => { running -= 1; }));
  page.on('requestfinished', oursOnly((request) => {
    running -= 1;
    if (request.method() === 'POST') reports += 1;
  }));
  return async () => {
    const until = Date.now() + SETTLE_MS;
    while (Date.now() < until &&
      (running > 0 || !reports || Date.now() - last < QUIET_MS)) {
      await page.waitForTimeout(50);
    }
    return { reports, last };
  };
}

async function ours(browser, method, object, run) {
  const address = newAddress();
  const seen = await visit(browser, address, async (page) => {
    const end = settled(page);
    await load(page, url(PORT[method], `${object}.html`));
    const loaded = Date.now();
    const { reports, last } = await end();
    if (!reports) return { estimate: 0 };
    // On top of the page itself.
    const cost = { ms: Math.max(last - loaded, 0), bytes: bytesTo(address) -
      fs.statSync(`${SITE}/${object}.html`).size };
    return { ...await known(page), ...cost };
  });
  row(method, object, run, seen);
}

async function timing(browser, run) {
  for (const [name] of PAGES) {
    if (name !== '1k') await ours(browser, 'timing', name, run);
  }
}

async function probe(browser, run) {
  await ours(browser, 'probe', '1k', run);
}

// ---- Boomerang --------------------------------------------------------------

function writeBoomerang() {
  fs.writeFileSync(`${SITE}/boomerang.html`, `<!DOCTYPE html>
<html><head><meta charset=utf-8><title>boomerang</title>
<link rel=icon href=data:,>
<script src=/boomerang/boomerang.js></script>
<script src=/boomerang/bw.js></script>
<script>
BOOMR.subscribe('page_ready', function () { window.ready = Date.now(); });
BOOMR.subscribe('before_beacon', function (data) {
  if (data.bw || data.bw_debug !== undefined || BOOMR.plugins.BW.is_complete())
    window.told = { bw: data.bw, lat: data.lat, ms: Date.now() - window.ready };
});
BOOMR.init({ beacon_url: '/boomerang/image-l.gif', user_ip: '10.0.0.1',
  BW: { base_url: '/boomerang/', block_beacon: true } });
</script></head><body><p>page</p></body></html>
`);
}

async function boomerang(browser, run) {
  if (run > 1) return; // up to 52 MB and 15 s each
  const address = newAddress();
  const told = await visit(browser, address, async (page) => {
    await load(page, url(PORT.plain, 'boomerang.html'));
    const handle = await page.waitForFunction(() => window.told, null,
      { timeout: 40000, polling: 200 }).catch(() => null);
    return handle ? handle.jsonValue() : { bw: 0, ms: 0 };
  });
  const scripts = ['boomerang.js', 'bw.js'].reduce((sum, name) =>
    sum + fs.statSync(`${SITE}/boomerang/${name}`).size, 0);
  // bytes/s; the scripts count apart, for a site would minify them.
  row('boomerang', 'bw', run, { estimate: Number(told.bw) * 8 / 1000,
    bytes: bytesTo(address) - scripts, ms: told.ms });
}

// -----------------------------------------------------------------------------

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu',
    '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
let failed = 0;
try {
  writePages();
  writeBoomerang();
  for (let run = 1; run <= RUNS; run += 1) {
    for (const method of [pages, timing, probe, boomerang]) {
      if (!METHODS.includes(method.name)) continue;
      try {
        await method(browser, run);
      } catch (e) {
        failed = 1;
        console.error(`${env.BENCH_CELL} ${method.name} ${run}: ${e}`);
      }
    }
  }
} finally {
  await browser.close();
}
process.exit(failed);
