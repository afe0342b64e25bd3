// SPDX-License-Identifier: Apache-2.0
/*
 * What a page shows of an original, and of its renditions.
 *
 *   turned   8 orientations x {no density, density 2x} x {JPEG, PNG} x recipes
 *   colours  Display P3, Adobe RGB, gamma 2.2, inks with and without a profile
 *   carried  which formats carry a layout size in this browser, so that
 *            lib/render/container.c stays true
 *
 * A picture's corners are red, green, blue and yellow, row by row, its middle
 * is all colours.  Speaks TAP; arguments: the build's folder, one for files.
 */
import { chromium } from 'playwright-core';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const [build, folder] = process.argv.slice(2);
const WIDTH = 400;
const HEIGHT = 304;
const FILLER_BYTES = 60000; // makes originals large, so that there is a gain

// Mean difference of what the screen would show, of 255 (all three channels).
// Of a picture at half its sides: JPEG at quality 85 and two scalings.
const MOST_TURNED = 3;
// ... of one at full size; quality 95 is most of it.
const MOST_COLORS = 1.5;
// Through a profile's tables, the two libraries round in other places.
const MOST_TABLES = 2;
// What a conversion that is left out would differ by, at least.
const LEAST_WITHOUT = 4;

let tests = 0;
let failures = 0;

function ok(pass, name, seen) {
  tests += 1;
  console.log(`${pass ? 'ok' : 'not ok'} ${tests} - ${name}`);
  if (pass) return;
  failures += 1;
  if (seen !== undefined) console.log('# seen: ' + JSON.stringify(seen));
}

// ---- files ----

function be(value, bytes) {
  const out = Buffer.alloc(bytes);
  out.writeUIntBE(value, 0, bytes);
  return out;
}

function crc(bytes) {
  let c = 0xffffffff;
  for (const byte of bytes) {
    c ^= byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? c >>> 1 ^ 0xedb88320 : c >>> 1;
  }
  return (c ^ 0xffffffff) >>> 0;
}

const segment = (marker, data) =>
  Buffer.concat([be(0xff00 | marker, 2), be(data.length + 2, 2), data]);

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type), data]);
  return Buffer.concat([be(data.length, 4), named, be(crc(named), 4)]);
}

const insert = (file, at, ...parts) =>
  Buffer.concat([file.subarray(0, at), ...parts, file.subarray(at)]);

// An EXIF block; shown [0, 0]: no density.  Fields are [tag, type, value].
function exifBlock(orientation, [width, height], [shownWidth, shownHeight]) {
  const fields = [[0x0112, 3, orientation << 16]];
  let tail = Buffer.alloc(0);
  if (shownWidth) {
    const at = 8 + 2 + 12 * 5 + 4;
    fields.push([0x011a, 5, at], [0x011b, 5, at + 8], [0x0128, 3, 2 << 16],
      [0x8769, 4, at + 16]);
    const sub = [[0xa002, 4, shownWidth], [0xa003, 4, shownHeight]];
    tail = Buffer.concat([be(72 * width, 4), be(shownWidth, 4),
      be(72 * height, 4), be(shownHeight, 4), be(2, 2), ...sub.map(entry),
      be(0, 4)]);
  }
  return Buffer.concat([Buffer.from('MM\0*\0\0\0\x08', 'latin1'),
    be(fields.length, 2), ...fields.map(entry), be(0, 4), tail]);
}

function entry([tag, type, value]) {
  return Buffer.concat([be(tag, 2), be(type, 2), be(1, 4), be(value, 4)]);
}

function withExif(file, block) {
  return file[0] === 0x89 ? insert(file, 33, chunk('eXIf', block))
    : insert(file, 2, segment(0xe1,
      Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), block])));
}

function withFiller(file) {
  const filler = Buffer.alloc(FILLER_BYTES, 'x');
  filler[7] = 0;
  return file[0] === 0x89 ? insert(file, 33, chunk('tEXt', filler))
    : insert(file, 2, segment(0xfe, filler));
}

// The browser gives its own JPEGs a profile of sRGB.
function withoutProfile(jpeg) {
  let at = 2;
  const kept = [jpeg.subarray(0, 2)];
  while (jpeg[at + 1] !== 0xda) {
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg[at + 1] !== 0xe2) kept.push(jpeg.subarray(at, end));
    at = end;
  }
  return Buffer.concat([...kept, jpeg.subarray(at)]);
}

function withProfile(jpeg, icc) {
  const parts = [];
  const most = 65000;
  const count = Math.ceil(icc.length / most);
  for (let i = 0; i < count; i++) {
    parts.push(segment(0xe2, Buffer.concat([
      Buffer.from('ICC_PROFILE\0', 'latin1'), Buffer.from([i + 1, count]),
      icc.subarray(i * most, (i + 1) * most)])));
  }
  return insert(jpeg, 2, ...parts);
}

const ingredients = (args, input) =>
  execFileSync(`${build}/tests/corpus/ingredients`, args,
    { input, maxBuffer: 1 << 26 });

// Orders [name, formats, keys] to renditions by name; a name is a file's in
// the folder, of the original and (behind a dot) of the rendition.
function render(orders) {
  const lines = orders.map((o, i) =>
    `${folder}/${o.from} ${folder}/r${i} ${o.formats} ${o.keys}\n`);
  const results = execFileSync(`${build}/tests/corpus/rendition`,
    { input: lines.join(''), encoding: 'utf8' }).trim().split('\n');
  return orders.map((order, i) => {
    const [, status, format, width] = results[i].split(' ');
    return { ...order, status: Number(status), format, width: Number(width),
      file: `r${i}` };
  });
}

// ---- in the page ----

// A picture as a file of the browser's own: [JPEG, PNG] in base 64, and its
// pixels.
function paint([width, height]) {
  const canvas = new OffscreenCanvas(width, height);
  const c = canvas.getContext('2d');
  const pixels = c.createImageData(width, height);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i += 4) {
      const wave = (n) => 127.5 + 105 * Math.sin(n);
      pixels.data[i] = wave(x / 37 + y / 90);
      pixels.data[i + 1] = wave(y / 29 - x / 120 + 2);
      pixels.data[i + 2] = wave((x + y) / 61 + 4);
      pixels.data[i + 3] = 255;
    }
  }
  c.putImageData(pixels, 0, 0);
  const [w, h] = [width / 5, height / 5];
  [['#e02020', 0, 0], ['#20c020', width - w, 0], ['#2030e0', 0, height - h],
    ['#e0e020', width - w, height - h]].forEach(([color, x, y]) => {
    c.fillStyle = color;
    c.fillRect(x, y, w, h);
  });
  const base64 = async (type) => {
    const blob = await canvas.convertToBlob({ type, quality: 0.97 });
    const bytes = new Uint8Array(await blob.arrayBuffer());
    return btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join(''));
  };
  const raw = c.getImageData(0, 0, width, height).data;
  return Promise.all([base64('image/jpeg'), base64('image/png'),
    btoa(Array.from(raw, (b) => String.fromCharCode(b)).join(''))]);
}

// How a page shows a file: the box that it takes, and its pixels on a square.
async function look([type, base64, side]) {
  const img = new Image();
  img.src = `data:${type};base64,${base64}`;
  document.body.replaceChildren(img);
  await img.decode();
  const box = img.getBoundingClientRect();
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  const c = canvas.getContext('2d');
  c.imageSmoothingQuality = 'high';
  c.drawImage(img, 0, 0, side, side);
  return { width: box.width, height: box.height,
    natural: [img.naturalWidth, img.naturalHeight],
    pixels: Array.from(c.getImageData(0, 0, side, side).data) };
}

const typeOf = { JPEG: 'image/jpeg', PNG: 'image/png', WEBP: 'image/webp',
  AVIF: 'image/avif' };

function difference(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) if (i % 4 < 3) sum += Math.abs(a[i] - b[i]);
  return sum / (a.length / 4 * 3);
}

// Names of the colours in the corners, row by row.
function corners({ pixels }) {
  const side = Math.sqrt(pixels.length / 4);
  const near = Math.round(side * 0.08);
  const far = side - 1 - near;
  return [[near, near], [far, near], [near, far], [far, far]].map(([x, y]) => {
    const at = (y * side + x) * 4;
    const [r, g, b] = pixels.slice(at, at + 3).map((v) => v > 128);
    return `${r ? 'r' : ''}${g ? 'g' : ''}${b ? 'b' : ''}`;
  }).join(' ');
}

// ---- the cases ----

const shownAs = ['', 'r g b rg', 'g r rg b', 'rg b g r', 'b rg r g', 'r b g rg',
  'b r rg g', 'rg g b r', 'g rg r b'];

const recipes = [
  { formats: 'jpeg', keys: 'fit=200 ssim=off quality=85' },
  { formats: 'jpeg,png,webp', keys: 'fit=200 ssim=off quality=85' },
  { formats: 'webp', keys: 'fit=200 ssim=off quality=85' },
  { formats: 'avif', keys: 'fit=off ssim=off quality=85' },
  { formats: 'png', keys: 'fit=200 ssim=off quality=85' },
];

async function turned(see, [jpeg, png]) {
  const orders = [];
  for (const [kind, file] of [['jpg', jpeg], ['png', png]]) {
    for (const dense of [false, true]) {
      for (let orientation = 1; orientation <= 8; orientation++) {
        const from = `${orientation}${dense ? '-dense' : ''}.${kind}`;
        writeFileSync(`${folder}/${from}`, withExif(withFiller(file),
          exifBlock(orientation, [WIDTH, HEIGHT],
            dense ? [2 * WIDTH, 2 * HEIGHT] : [0, 0])));
        orders.push(...recipes.map((r) => ({ ...r, from, kind, dense,
          orientation })));
      }
    }
  }
  const originals = {};
  for (const done of render(orders)) {
    const name = `${done.from} to ${done.formats}`;
    // A density that no other format carries, and a JPEG without loss.
    const none = done.kind === 'jpg' && !done.formats.includes('jpeg') &&
      (done.dense || done.formats === 'png');
    if (none) {
      ok(done.status === 10, `${name}: none`, done);
      continue;
    }
    if (done.status) {
      ok(false, `${name}: rendered`, done);
      continue;
    }
    originals[done.from] ||= await see(done.from,
      done.kind === 'jpg' ? 'JPEG' : 'PNG');
    const [was, is] = [originals[done.from], await see(done.file, done.format)];
    const off = difference(was.pixels, is.pixels);
    const scaled = done.formats.includes('jpeg');
    ok(is.width === was.width && is.height === was.height &&
      corners(was) === shownAs[done.orientation] &&
      corners(is) === corners(was) && off <= MOST_TURNED &&
      done.width === (done.orientation > 4 ? HEIGHT : WIDTH) / (scaled ? 2 : 1),
      `${name}: ${was.width}x${was.height} px, the same way up`,
      { format: done.format, pixels: done.width, box: [is.width, is.height],
        corners: [corners(was), corners(is)], off });
    worst.turned = Math.max(worst.turned, off);
  }
}

const worst = { turned: 0 };

// RGBA to bytes of ink; with as much black as there can be, or none.
function inkOf(rgba, black) {
  const out = Buffer.alloc(rgba.length);
  for (let i = 0; i < rgba.length; i += 4) {
    const most = black ? Math.max(rgba[i], rgba[i + 1], rgba[i + 2], 1) : 255;
    for (let c = 0; c < 3; c++) out[i + c] = 255 - 255 * rgba[i + c] / most;
    out[i + 3] = 255 - most;
  }
  return out;
}

async function colors(see, [jpeg, , raw]) {
  const ink = inkOf(raw, true);
  // With a profile Chromium makes RGB of all four inks by the formula for
  // those without one, and takes it for three inks and no black: black ink
  // comes out as what three full inks are.  So there is none here.
  const cmy = inkOf(raw, false);
  const size = [String(WIDTH), String(HEIGHT), '97'];
  const inks = ingredients(['profile', 'inks']);
  const cases = [
    ...['p3', 'adobe', 'gamma22'].map((name) => [name,
      withProfile(jpeg, ingredients(['profile', name])), MOST_COLORS, '1.jpg']),
    ['cmyk', ingredients(['cmyk', 'adobe', ...size], ink), MOST_COLORS],
    ['ycck', ingredients(['ycck', 'adobe', ...size], ink), MOST_COLORS],
    ['cmyk-inks', withProfile(ingredients(['cmyk', 'adobe', ...size], cmy),
      inks), MOST_TABLES, 'cmyk.jpg'],
    ['ycck-inks', withProfile(ingredients(['ycck', 'adobe', ...size], cmy),
      inks), MOST_TABLES, 'cmyk.jpg'],
  ];
  for (const [name, file] of cases) {
    writeFileSync(`${folder}/${name}.jpg`, withFiller(file));
  }
  const done = render(cases.flatMap(([name, , limit, plain]) =>
    ['jpeg', 'webp', 'avif'].map((formats) => ({ name, limit, plain,
      from: `${name}.jpg`, formats,
      keys: 'fit=off ssim=off quality=95 chroma=444' }))));
  for (const one of done) {
    const label = `${one.name} as ${one.formats}`;
    if (one.status) {
      ok(false, `${label}: rendered`, one);
      continue;
    }
    const was = await see(one.from, 'JPEG');
    const off = difference(was.pixels, (await see(one.file, one.format)).pixels);
    ok(off <= one.limit, `${label}: the colours are the same`, off);
    worst[one.name] = Math.max(worst[one.name] || 0, off);
    if (one.plain && one.formats === 'jpeg') {
      const without = difference(was.pixels,
        (await see(one.plain, 'JPEG')).pixels);
      ok(without >= LEAST_WITHOUT,
        `${one.name}: and the profile counts`, without);
    }
  }
}

// Only JPEG is laid out by its EXIF; WebP and AVIF are not even turned.
async function carried(see, [jpeg, png, , webp]) {
  const dense = exifBlock(6, [WIDTH, HEIGHT], [2 * WIDTH, 2 * HEIGHT]);
  const vp8x = Buffer.concat([Buffer.from('VP8X'), Buffer.from([10, 0, 0, 0, 8,
    0, 0, 0, (WIDTH - 1) & 255, (WIDTH - 1) >> 8, 0, (HEIGHT - 1) & 255,
    (HEIGHT - 1) >> 8, 0])]);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(dense.length);
  const file = Buffer.concat([webp.subarray(0, 12), vp8x, webp.subarray(12),
    Buffer.from('EXIF'), size, dense]);
  file.writeUInt32LE(file.length - 8, 4);
  const cases = [['JPEG', withExif(jpeg, dense), [2 * HEIGHT, 2 * WIDTH]],
    ['PNG', withExif(png, dense), [HEIGHT, WIDTH]],
    ['WEBP', file, [WIDTH, HEIGHT]]];
  for (const [format, bytes, expected] of cases) {
    writeFileSync(`${folder}/carried.${format}`, bytes);
    const { width, height } = await see(`carried.${format}`, format);
    ok(width === expected[0] && height === expected[1],
      `${format} of ${WIDTH}x${HEIGHT}, turned and of density 2: laid out at ` +
      expected.join('x'), [width, height]);
  }
}

async function main() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium',
    args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run',
      '--disable-background-networking', '--disable-component-update',
      '--force-color-profile=srgb', '--force-device-scale-factor=1'] });
  try {
    console.log(`# Chromium ${browser.version()}`);
    const page = await browser.newPage();
    await page.setContent('<!DOCTYPE html><body style="margin:0"></body>');
    const painted = (await page.evaluate(paint, [WIDTH, HEIGHT]))
      .map((text) => Buffer.from(text, 'base64'));
    painted[0] = withoutProfile(painted[0]);
    const see = (file, format) => page.evaluate(look, [typeOf[format],
      readFileSync(`${folder}/${file}`).toString('base64'), 100]);
    await turned(see, painted);
    await colors(see, painted);
    const [plainWebp] = render([{ from: '1.jpg', formats: 'webp',
      keys: 'fit=off ssim=off quality=85' }]);
    await carried(see, [...painted,
      readFileSync(`${folder}/${plainWebp.file}`)]);
  } finally {
    await browser.close();
  }
  console.log('# largest mean differences: ' + JSON.stringify(worst));
}

try {
  await main();
} catch (e) {
  ok(false, 'the browser got through all pictures');
  console.log('# ' + String(e.stack || e).replace(/\n/g, '\n# '));
}
console.log(`1..${tests}`);
process.exit(failures ? 1 : 0);
