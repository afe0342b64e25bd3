// SPDX-License-Identifier: Apache-2.0
// link: tun down=128 up=128 delay=10 queue=64
/*
 * A browser on a slow line, and pages without any script: the second visitor
 * from that address, with a fresh profile, sees low pictures.
 */
import { createRequire } from 'node:module';
import fs from 'node:fs';

const { DI_TOP, DI_RUN, LAB_SERVER } = process.env;
const require = createRequire(`${DI_TOP}/tests/browser/package.json`);
const { chromium } = require('playwright-core');
const url = `http://${LAB_SERVER}:8080/pictures.html`;
const LOAD_MS = 90000;

let tests = 0;
function is(seen, expected, name) {
  const [a, b] = [seen, expected].map((v) => JSON.stringify(v));
  tests += 1;
  console.log(`${a === b ? 'ok' : 'not ok'} ${tests} - ${name}`);
  if (a !== b) console.log(`#     seen: ${a}\n# expected: ${b}`);
}

async function visit(browser) {
  const context = await browser.newContext();
  const page = await context.newPage();
  const tiers = new Set();
  page.on('response', (response) => {
    const header = response.headers().dynimage;
    console.log(`# ${response.url()} ${header || ''} ` +
      `${response.headers()['x-speed']}`);
    if (header) tiers.add(/tier=(\w+)/.exec(header)[1]);
  });
  await page.goto(url, { waitUntil: 'load', timeout: LOAD_MS });
  const scripts = await page.locator('script').count();
  const cookies = await context.cookies();
  await context.close();
  return { tiers: [...tiers], scripts, cookies };
}

fs.writeFileSync(`${DI_RUN}/site/pictures.html`,
  '<!DOCTYPE html><html><head><meta charset=utf-8><title>pictures</title>' +
  '<link rel=icon href=data:,></head><body>' +
  ['a', 'b', 'c'].map((n) => `<img src=${n}.jpg alt=${n} width=300>`).join('') +
  '</body></html>\n');

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu',
    '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
try {
  const first = await visit(browser);
  is(first.scripts, 0, 'the page has no script');
  const second = await visit(browser);
  is(second.tiers, ['low'], 'the next visitor from there: low pictures');
  is(second.cookies, [], 'and no cookie');
} finally {
  await browser.close();
}
console.log(`1..${tests}`);
