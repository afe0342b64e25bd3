// SPDX-License-Identifier: Apache-2.0
// link: down=5000 up=5000 delay=20 queue=64
/*
 * HTTP/2: streams share one connection, so they give one sample.  In clear
 * text with prior knowledge, and over TLS.
 */
import fs from 'node:fs';
import http2 from 'node:http2';
import net from 'node:net';
import tls from 'node:tls';

const { DI_RUN, LAB_SERVER } = process.env;
const TRUTH_KBPS = 5000 * 1448 / 1500;

let tests = 0;
function ok(pass, name, seen) {
  tests += 1;
  console.log(`${pass ? 'ok' : 'not ok'} ${tests} - P7: ${name}`);
  if (!pass) console.log(`# seen: ${JSON.stringify(seen)}`);
}

// Within 25 %, or a lower bound that holds.
function holds(speed) {
  const ratio = speed.kbps / TRUTH_KBPS;
  return speed.bound ? ratio <= 1.1 : Math.abs(ratio - 1) <= 0.25;
}

function told(header) {
  const speed = Object.fromEntries(header.split(' ').map((m) => m.split('=')));
  return { ...speed, kbps: Number(speed.kbps) || 0,
    bound: Number(speed.bound) || 0 };
}

function open(scheme, address) {
  const to = { host: LAB_SERVER, localAddress: address,
    port: scheme === 'https' ? 8443 : 8080 };
  return http2.connect(`${scheme}://${LAB_SERVER}:${to.port}`, {
    settings: { initialWindowSize: 4 << 20 },
    createConnection: () => scheme === 'https'
      ? tls.connect({ ...to, ALPNProtocols: ['h2'], rejectUnauthorized: false })
      : net.connect(to),
  });
}

function get(session, path) {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    const answer = { bytes: 0 };
    stream.on('response', (headers) => {
      answer.status = headers[':status'];
      answer.speed = told(headers['x-speed'] || '');
    });
    stream.on('data', (data) => { answer.bytes += data.length; });
    stream.on('end', () => resolve(answer));
    stream.on('error', reject);
    session.on('error', reject);
  });
}

async function visit(scheme, address) {
  const session = open(scheme, address);
  const both = await Promise.all(
    [get(session, '/512k.bin'), get(session, '/512k.bin')]);
  ok(both.every((a) => a.status === 200 && a.bytes === 512000),
    `${scheme}: two streams at once are answered`, both);
  const third = await get(session, '/1k.bin');
  ok(third.speed.kbps > 0, `${scheme}: a third is told something`,
    third.speed);
  ok(holds(third.speed), `${scheme}: within 25 %, or a bound`, third.speed);
  session.close();

  const again = open(scheme, address);
  const { speed } = await get(again, '/1k.bin');
  again.close();
  ok(speed.kbps > 0 && holds(speed),
    `${scheme}: the same on another connection`, speed);
}

try {
  await visit('http', '10.112.1.1');
  await visit('https', '10.112.2.1');
} catch (e) {
  ok(false, 'all streams got through', String(e.stack || e));
}
const errors = fs.readFileSync(`${DI_RUN}/logs/error.log`, 'utf8');
ok(!/exit signal|child died/.test(errors), 'no process died', errors);
console.log(`1..${tests}`);
process.exit(0);
