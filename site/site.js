// SPDX-License-Identifier: Apache-2.0
/*
 * Shows what the server did for this visitor.  Everything comes from the
 * answers to the image requests: the DynImage header says tier, speed, source
 * and bytes.  The header of the picture that is on the screen is read back
 * from the browser's own cache, so no picture is fetched twice.
 *
 * No part of the modules needs this file, and the page works without it.
 */
'use strict';

const TIERS = [
  { path: '/as/100/', name: '100 kbit/s' },
  { path: '/as/1000/', name: '1 Mbit/s' },
  { path: '/as/20000/', name: '20 Mbit/s' },
];
const TIMES_AT_KBPS = [128, 1000, 20000];
const NBSP = '\u00a0';
const SCALE_KBPS = [32, 100000]; // ends of the ladder in the page

// The words of src: for the panel, and for the captions.
const SOURCES = {
  none: ['Nothing was known when this picture was asked for; this view ' +
    'is measured.', ''],
  assume: ['Fixed by configuration for this path (SpeedProbeAssume).',
    'configuration'],
  cookie: ['Measured on an earlier page, and kept in a signed cookie.',
    'a cookie'],
  passive: ['Seen on this connection: how fast earlier answers arrived.',
    'this connection'],
  table: ['Seen on earlier connections from your address.',
    'earlier connections'],
  network: ['Usual for your neighbours in the network; you are not measured ' +
    'yet.', 'your network'],
  hint: ['What your browser says of itself; you are not measured yet.',
    'your browser'],
};

const byId = (id) => document.getElementById(id);

function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

// ---- Numbers for people ----------------------------------------------------

function decimals(value) {
  return value.toFixed(value < 9.95 ? 1 : 0).replace(/\.0$/, '');
}

function bytesText(bytes) {
  if (bytes >= 1e6) return decimals(bytes / 1e6) + NBSP + 'MB';
  return Math.max(1, Math.round(bytes / 1000)) + NBSP + 'kB';
}

function speedParts(kbps) {
  if (kbps >= 1e6) return [decimals(kbps / 1e6), 'Gbit/s'];
  if (kbps >= 1000) return [decimals(kbps / 1000), 'Mbit/s'];
  return [String(kbps), 'kbit/s'];
}

function timeText(bytes, kbps) {
  const s = bytes * 8 / (kbps * 1000);
  if (s < 0.01) return '< 10 ms';
  if (s < 1) return Math.round(s * 100) * 10 + ' ms';
  if (s < 90) return decimals(s) + ' s';
  return decimals(s / 60) + ' min';
}

// ---- Facts of one answer ---------------------------------------------------

// The DynImage field is an RFC 8941 dictionary of tokens and integers; nothing
// here needs strings or parameters.
function parseDictionary(text) {
  const facts = {};
  for (const member of text.split(',')) {
    const [key, value = ''] = member.trim().split('=');
    if (key) facts[key] = /^-?\d+$/.test(value) ? Number(value) : value;
  }
  return facts;
}

// What the browser itself noted about the picture on the screen: its bytes,
// and the tier from Server-Timing.  0 and '' when it does not tell.
function notedOf(url) {
  const entry = performance.getEntriesByName(url, 'resource').pop();
  const timing = entry && entry.serverTiming &&
    entry.serverTiming.find((t) => t.name === 'dynimage');
  return {
    bytes: entry ? entry.encodedBodySize : 0,
    tier: timing ? timing.description.split(' ')[0] : '',
  };
}

const HEAD = { method: 'HEAD', mode: 'same-origin' };
const CACHED = { cache: 'only-if-cached', mode: 'same-origin' };

// The answer as the cache has it; where there is none, a HEAD request, which
// costs a few hundred bytes.
async function answerOf(url, how) {
  if (how === HEAD) return fetch(url, HEAD);
  try {
    const cached = await fetch(url, CACHED);
    if (cached.ok) return cached;
  } catch (e) { /* caching is switched off */ }
  return fetch(url, HEAD);
}

// The cookie may change while the page is looked at, and the header with it:
// then the header tells of the next answer, and the browser's notes and what
// the first picture was told (before) tell of this one.
async function factsOf(url, how, before) {
  const answer = await answerOf(url, how);
  const header = answer.headers.get('DynImage');
  const noted = notedOf(url);
  const facts = header ? parseDictionary(header) : null;
  if (facts && noted.bytes) facts.out = noted.bytes;
  if (facts && noted.tier && noted.tier !== facts.tier) {
    const { kbps = 0, src = 'none' } = before || {};
    Object.assign(facts, { tier: noted.tier, kbps, src });
  }
  return {
    dynimage: facts,
    bytes: noted.bytes || Number(answer.headers.get('Content-Length')) || 0,
    answer,
  };
}

// Width and height as encoded in a JPEG.  naturalWidth cannot tell: it is the
// size that the picture is meant to be laid out at.
function jpegPixels(buffer) {
  const v = new DataView(buffer);
  let at = 2;
  while (at + 9 < v.byteLength && v.getUint8(at) === 0xff) {
    const marker = v.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf &&
      ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) return [v.getUint16(at + 7), v.getUint16(at + 5)];
    at += 2 + v.getUint16(at + 2);
  }
  return null;
}

function whenLoaded(img) {
  if (img.complete && img.naturalWidth) return Promise.resolve();
  return new Promise((resolve, reject) => {
    img.addEventListener('load', resolve, { once: true });
    img.addEventListener('error', reject, { once: true });
  });
}

// ---- Gallery ---------------------------------------------------------------

function whyText(facts) {
  if (!facts.kbps) return 'speed not known yet';
  const words = SOURCES[facts.src];
  return speedParts(facts.kbps).join(' ') + ', from ' +
    (words ? words[1] : facts.src);
}

function savingText(facts) {
  if (facts.out >= facts.in) return bytesText(facts.in) + ', the original';
  return bytesText(facts.out) + ' instead of ' + bytesText(facts.in);
}

function showFacts(place, { dynimage, bytes }) {
  if (!dynimage) {
    place.replaceChildren(
      el('p', {}, el('span', { class: 'badge' }, 'original'), 'not adapted'),
      el('p', { class: 'why' }, bytes ? bytesText(bytes) : ''));
    return;
  }
  const tier = String(dynimage.tier);
  const share = Math.min(100, 100 * dynimage.out / dynimage.in);
  const filled = el('span', {});
  filled.style.width = share + '%';
  place.title = 'cache: ' + dynimage.cache + ', reason: ' + dynimage.reason;
  place.replaceChildren(
    el('p', {}, el('span', { class: 'badge ' + tier }, tier),
      savingText(dynimage)),
    el('p', { class: 'why' }, whyText(dynimage)),
    el('div', { class: 'bar ' + tier }, filled));
}

// Until the page has loaded, nothing has measured it, so the cookie is still
// the one that the picture was asked for with, and the cache will answer.
function isBeforeMeasuring() {
  return document.readyState !== 'complete';
}

async function caption(img, known, done) {
  const place = el('div', { class: 'facts' });
  img.parentNode.querySelector('figcaption').append(place);
  try {
    await whenLoaded(img);
    const how = isBeforeMeasuring() ? CACHED : HEAD;
    const facts = await factsOf(img.currentSrc, how, known());
    showFacts(place, facts);
    done(facts);
  } catch (e) {
    place.replaceChildren(el('p', { class: 'why' }, 'not loaded'));
  }
}

// ---- The panel "Your connection" -------------------------------------------

function markLadder(kbps) {
  const [from, to] = SCALE_KBPS.map(Math.log);
  const at = (Math.log(kbps) - from) / (to - from);
  byId('marker').style.left = 100 * Math.min(1, Math.max(0, at)) + '%';
  byId('marker').hidden = false;
}

function showVisitor(facts) {
  const { kbps = 0, src = 'none', tier } = facts;
  if (kbps) {
    const [number, unit] = speedParts(kbps);
    byId('speed').replaceChildren(number + ' ', el('small', {}, unit));
    markLadder(kbps);
  } else {
    byId('speed').textContent = 'Not known yet';
  }
  byId('source').textContent = SOURCES[src]
    ? SOURCES[src][0] : 'Source: ' + src + '.';
  const rung = document.querySelector('.rung.' + CSS.escape(String(tier)));
  if (rung) rung.classList.add('on');
}

function showNotAdapted() {
  byId('speed').textContent = 'Not adapted';
  byId('source').textContent = 'The pictures came as originals: the answers ' +
    'carry no DynImage header. Are the modules loaded and switched on?';
}

function showTotal(sum) {
  const saved = Math.round(100 * (1 - sum.out / sum.in));
  byId('total').textContent = saved > 0
    ? 'Photographs so far: ' + bytesText(sum.out) + ' instead of ' +
      bytesText(sum.in) + ', ' + saved + NBSP + '% saved.'
    : 'Photographs so far: ' + bytesText(sum.out) + ', all originals.';
  byId('total').hidden = false;
}

// After the page was measured, the next request would be answered otherwise:
// say so.  A HEAD request, because only the header is wanted.
async function lookAgain(url, before) {
  const answer = await fetch(url, { method: 'HEAD', cache: 'no-store' });
  const header = answer.headers.get('DynImage');
  const now = header ? parseDictionary(header) : {};
  if (!now.kbps || String(speedParts(now.kbps)) ===
    String(speedParts(before.kbps || 0))) return;
  const link = el('a', { href: location.pathname }, 'Show the page again');
  byId('again').replaceChildren(
    'Just measured: ' + speedParts(now.kbps).join(' ') + '. ', link);
  byId('again').hidden = false;
}

function startGallery() {
  const images = [...document.querySelectorAll('.gallery img')];
  const sum = { in: 0, out: 0 };
  let first = null;
  for (const img of images) {
    caption(img, () => first, ({ dynimage }) => {
      if (!dynimage) {
        if (!first) showNotAdapted();
        return;
      }
      if (!first) {
        first = dynimage;
        showVisitor(dynimage);
      }
      sum.in += dynimage.in;
      sum.out += dynimage.out;
      showTotal(sum);
    });
  }
  window.addEventListener('load', () => setTimeout(() => {
    if (first && first.src !== 'assume') lookAgain(images[0].src, first);
  }, 1500));
  return () => (first && first.kbps) || 0;
}

// ---- Compare ---------------------------------------------------------------

function photographs() {
  return [...document.querySelectorAll('.gallery figure')].map((figure) => ({
    file: figure.querySelector('img').getAttribute('src'),
    alt: figure.querySelector('img').alt,
    title: figure.querySelector('b').textContent,
    focus: figure.querySelector('img').dataset.detail,
  }));
}

function chooser(photos, chosen, onChange) {
  const set = el('fieldset', { class: 'choice' },
    el('legend', {}, 'Photograph'));
  for (const photo of photos) {
    const input = el('input', { type: 'radio', name: 'photo' });
    input.checked = photo === chosen;
    input.addEventListener('change', () => onChange(photo));
    set.append(el('label', {}, input, el('span', {}, photo.title)));
  }
  return set;
}

function tierFigure(photo, tier) {
  const src = tier.path + photo.file;
  const whole = el('img', { src, alt: photo.alt + ', as sent at ' + tier.name });
  const detail = el('img', { src, alt: '', class: 'detail' });
  detail.style.objectPosition = photo.focus;
  const text = el('figcaption', {}, 'at ' + tier.name);
  return { figure: el('figure', { class: 'tier' }, whole, detail, text),
    whole, text };
}

async function tierFacts({ figure, whole, text }, tier) {
  await whenLoaded(whole);
  const facts = await factsOf(whole.currentSrc, CACHED);
  const body = await facts.answer.arrayBuffer();
  const name = facts.dynimage ? String(facts.dynimage.tier) : 'original';
  figure.classList.add(name);
  text.replaceChildren(el('span', { class: 'badge ' + name }, name),
    'at ' + tier.name);
  return { bytes: facts.bytes, pixels: jpegPixels(body), name };
}

function row(head, cells, attributes) {
  return el('tr', attributes, el('th', { scope: 'row' }, head),
    ...cells.map((cell) => el('td', {}, cell)));
}

function tierTable(facts, mine) {
  const times = (kbps) => facts.map((f) => timeText(f.bytes, kbps));
  const body = el('tbody', {},
    row('Bytes', facts.map((f) => bytesText(f.bytes))),
    row('Pixels', facts.map((f) => f.pixels ? f.pixels.join('×') : '–')),
    ...TIMES_AT_KBPS.map((kbps) =>
      row('Time at ' + speedParts(kbps).join(NBSP), times(kbps))));
  if (mine) {
    const head = 'Time at your ' + speedParts(mine).join(NBSP);
    body.append(row(head, times(mine), { class: 'mine' }));
  }
  const heads = facts.map((f) => el('th', { scope: 'col' }, f.name));
  return el('div', { class: 'scroll' }, el('table', {},
    el('caption', {}, 'Size of each, and how long its download takes'),
    el('thead', {}, el('tr', {}, el('td', {}, ''), ...heads)),
    body));
}

async function compare(place, photo, yourSpeed) {
  const parts = TIERS.map((tier) => tierFigure(photo, tier));
  const token = place.dataset.photo = photo.file;
  place.replaceChildren(
    el('div', { class: 'tiers' }, ...parts.map((p) => p.figure)));
  try {
    const facts = await Promise.all(
      parts.map((part, i) => tierFacts(part, TIERS[i])));
    if (place.dataset.photo === token) {
      place.append(tierTable(facts, yourSpeed()));
    }
  } catch (e) {
    place.append(el('p', { class: 'intro' },
      'The three fixed speeds are not set up on this server.'));
  }
}

// The comparison downloads every tier, the original too: it waits until
// somebody comes near it, and on a slow line until somebody asks for it.
function startCompare(yourSpeed) {
  const view = byId('compare-view');
  const place = el('div', {});
  const photos = photographs();
  const show = (photo) => compare(place, photo, yourSpeed);
  const open = () => {
    view.replaceChildren(chooser(photos, photos[0], show), place);
    show(photos[0]);
  };
  view.hidden = false;
  view.style.minHeight = '12rem';
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((e) => e.isIntersecting)) return;
    observer.disconnect();
    const kbps = yourSpeed();
    if (!kbps || kbps >= 1000) return open();
    const button = el('button', { type: 'button' },
      'Load the comparison (about 2 MB)');
    button.addEventListener('click', open, { once: true });
    view.replaceChildren(button);
  }, { rootMargin: '300px' }).observe(view);
}

// ---- Start -----------------------------------------------------------------

function markPretended() {
  for (const link of document.querySelectorAll('#pretend a')) {
    const here = new URL(link.href).pathname ===
      location.pathname.replace(/index\.html$/, '');
    if (here) link.setAttribute('aria-current', 'page');
  }
}

byId('source').textContent = 'Waiting for the first photograph…';
markPretended();
startCompare(startGallery());
