// SPDX-License-Identifier: Apache-2.0
/*
 * One page, seen five times:
 *
 *   plain          modules off, the measure for layout and document
 *   slow, first    over 128 kbit/s, nothing known: medium, and measured
 *   slow, second   low
 *   fast, first    medium
 *   fast, second   the originals
 *
 * Speaks TAP; arguments: URL over the slow link, over the fast link, with the
 * modules off, folder for screenshots.
 */
import { chromium } from 'playwright-core';

const [slowUrl, fastUrl, plainUrl, folder] = process.argv.slice(2);
const linkKbps = Number(process.env.DI_LINK_KBPS);
const BEACON_PATH = '/speedprobe-beacon';
const LOAD_MS = 90000;
const BEACON_MS = 20000;

let tests = 0;
let failures = 0;

function ok(pass, name, seen) {
  tests += 1;
  console.log(`${pass ? 'ok' : 'not ok'} ${tests} - ${name}`);
  if (pass) return;
  failures += 1;
  if (seen !== undefined) console.log('# seen: ' + JSON.stringify(seen));
}

function is(seen, expected, name) {
  const [a, b] = [seen, expected].map((v) => JSON.stringify(v));
  ok(a === b, name);
  if (a !== b) console.log(`#     seen: ${a}\n# expected: ${b}`);
}

// Facts of one answer: the DynImage dictionary, or null.
function factsOf(response) {
  const header = response.headers().dynimage;
  if (!header) return null;
  return Object.fromEntries(header.split(',').map((m) => m.trim().split('=')));
}

// Runs in the page.  Our own nodes are taken away first: they are what may
// differ.  Then every box, every picture's size, and the document.
function measurePage() {
  const isOurs = (node) => node.nodeType === Node.COMMENT_NODE
    ? node.data.trimStart().startsWith('speedprobe')
    : node.nodeType === Node.ELEMENT_NODE &&
      node.matches('script[data-speedprobe]');
  const walker = document.createTreeWalker(document,
    NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_COMMENT);
  const ours = [];
  while (walker.nextNode()) {
    if (isOurs(walker.currentNode)) ours.push(walker.currentNode);
  }
  const boxes = [...document.querySelectorAll('*')]
    .filter((node) => !isOurs(node))
    .map((node) => {
      const r = node.getBoundingClientRect();
      return [node.tagName, r.x, r.y, r.width, r.height];
    });
  const pictures = [...document.images].map((img) =>
    [img.getAttribute('src'), img.naturalWidth, img.naturalHeight]);
  for (const node of ours) node.remove();
  document.normalize();
  return { boxes, pictures, mode: document.compatMode,
    html: document.documentElement.outerHTML };
}

// One view of the page, until the pictures are there and, where it is asked
// for, the beacon was answered.
async function view(context, url, name, { measures = false } = {}) {
  const page = await context.newPage();
  const complaints = [];
  const images = {};
  let beacon = null;
  page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type())) complaints.push(m.text());
  });
  page.on('pageerror', (e) => complaints.push(String(e)));
  page.on('response', (response) => {
    const { pathname } = new URL(response.url());
    if (response.request().resourceType() === 'image') {
      images[pathname] = factsOf(response);
    }
    if (pathname === BEACON_PATH) beacon = response;
  });

  const started = Date.now();
  await page.goto(url, { waitUntil: 'load', timeout: LOAD_MS });
  const took_ms = Date.now() - started;
  const scripts = await page.locator('script[data-speedprobe]').count();
  for (let waited = 0; measures && !beacon && waited < BEACON_MS;
    waited += 100) {
    await page.waitForTimeout(100);
  }
  const measured = await page.evaluate(measurePage);
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  const answer = beacon && {
    status: beacon.status(),
    sets: await beacon.headerValue('set-cookie'),
    body: beacon.request().postData(),
  };
  await page.close();
  console.log(`# ${name}: loaded in ${took_ms} ms; beacon: ` +
    JSON.stringify(answer));
  for (const [path, facts] of Object.entries(images)) {
    console.log(`#   ${path} ${JSON.stringify(facts)}`);
  }
  return { ...measured, scripts, complaints, images, beacon: answer };
}

function eachFact(seen, key) {
  return [...new Set(Object.values(seen.images).map((f) => f && f[key]))];
}

// What must hold in each view, however fast the line is.
function checkSame(seen, plain, name) {
  is(seen.complaints, [], `${name}: no console message, no page error`);
  ok(seen.scripts > 0, `${name}: the page carries the script`);
  is(seen.mode, 'CSS1Compat', `${name}: standards mode`);
  ok(seen.html === plain.html, `${name}: no node differs but our own`,
    firstDifference(seen.html, plain.html));
  is(seen.pictures, plain.pictures, `${name}: natural sizes are the same`);
  const moved = plain.boxes.findIndex((box, i) =>
    JSON.stringify(box) !== JSON.stringify(seen.boxes[i]));
  ok(moved === -1 && seen.boxes.length === plain.boxes.length,
    `${name}: all ${plain.boxes.length} boxes are where they were`,
    [plain.boxes[moved], seen.boxes[moved]]);
}

function firstDifference(a, b) {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i += 1;
  return [a.slice(i - 40, i + 80), b.slice(i - 40, i + 80)];
}

function checkFirstView(seen, name) {
  is(eachFact(seen, 'src'), ['none'], `${name}: nothing is known yet`);
  is(eachFact(seen, 'tier'), ['medium'], `${name}: every picture is medium`);
  ok(seen.beacon && seen.beacon.status === 204,
    `${name}: the beacon is answered with 204`, seen.beacon);
  ok(seen.beacon && /^sp=[^;]+;.*HttpOnly/i.test(seen.beacon.sets || ''),
    `${name}: and sets a cookie that scripts cannot read`, seen.beacon);
}

function total(seen, key) {
  return Object.values(seen.images).reduce((n, f) => n + Number(f[key]), 0);
}

async function slowLink(browser, plain) {
  const context = await browser.newContext();
  const first = await view(context, slowUrl, 'slow-first',
    { measures: true });
  checkSame(first, plain, 'slow, first view');
  checkFirstView(first, 'slow, first view');

  const second = await view(context, slowUrl, 'slow-second');
  checkSame(second, plain, 'slow, second view');
  is(eachFact(second, 'src'), ['cookie'], 'slow, second view: by the cookie');
  is(eachFact(second, 'tier'), ['low'],
    'slow, second view: every picture is low');
  const [kbps] = eachFact(second, 'kbps').map(Number);
  ok(kbps >= linkKbps * 0.7 && kbps <= linkKbps * 1.2,
    `slow, second view: the estimate is near ${linkKbps} kbit/s`, kbps);
  ok(total(second, 'out') < total(first, 'out'),
    'slow, second view: fewer bytes than the first');
  await context.close();
}

async function fastLink(browser, plain) {
  const context = await browser.newContext();
  const first = await view(context, fastUrl, 'fast-first',
    { measures: true });
  checkSame(first, plain, 'fast, first view');
  checkFirstView(first, 'fast, first view');

  const second = await view(context, fastUrl, 'fast-second');
  checkSame(second, plain, 'fast, second view');
  is(eachFact(second, 'tier'), ['broad'],
    'fast, second view: every picture is broad');
  is(total(second, 'out'), total(second, 'in'),
    'fast, second view: the originals, byte for byte as long');
  await context.close();
}

// P4: what the page reports is what travelled, not what it unpacked to.
async function compressedPage(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const message = page.waitForRequest((request) =>
    new URL(request.url()).pathname === BEACON_PATH, { timeout: BEACON_MS });
  const answer = await page.goto(`${slowUrl}zipped.html`,
    { waitUntil: 'load', timeout: LOAD_MS });
  const body = new URLSearchParams((await message).postData());
  is(await answer.headerValue('content-encoding'), 'gzip',
    'P4: the page travels compressed');
  is(body.get('pb'), await answer.headerValue('content-length'),
    'P4: it reports the bytes that travelled');
  ok(Number(body.get('pb')) < (await answer.body()).length,
    'P4: which are fewer than it has');
  await context.close();
}

// A cold store gives first visitors cheap pictures (reason=quick) and makes the
// tier's own behind them: wait until those are there.
async function warm(browser) {
  for (let turn = 0; turn < 20; turn++) {
    const context = await browser.newContext();
    const seen = await view(context, fastUrl, 'warm');
    await context.close();
    if (!eachFact(seen, 'reason').includes('quick')) {
      return;
    }
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }
}

async function main() {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu',
      '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'],
  });
  try {
    const context = await browser.newContext();
    const plain = await view(context, plainUrl, 'plain');
    await context.close();
    is(plain.scripts, 0, 'modules off: the page is as it was written');
    is(eachFact(plain, 'tier'), [null], 'modules off: no picture is adapted');
    is(plain.pictures.length, 6, 'modules off: all six pictures are there');
    await warm(browser);
    await slowLink(browser, plain);
    await fastLink(browser, plain);
    await compressedPage(browser);
  } finally {
    await browser.close();
  }
}

try {
  await main();
} catch (e) {
  ok(false, 'the browser got through all views');
  console.log('# ' + String(e.stack || e).replace(/\n/g, '\n# '));
}
console.log(`1..${tests}`);
process.exit(failures ? 1 : 0);
