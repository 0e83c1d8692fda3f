// A person at a workstation with Chromium: what they ask of entrad, what the simulator lets a test do for them, and checks
// of what they see.

import { appendFileSync } from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';

import { chromium } from 'playwright-core';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
// What has it speak to nobody unasked.
export const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
];

// Chromium with a profile of its own.
export function openBrowser() {
  return chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
}

// What the daemon is asked over its socket.
export function ask(socketPath, path, body) {
  const text = JSON.stringify(body);
  const options = {
    socketPath,
    path,
    method: 'POST',
    headers: { host: 'entrad', 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    timeout: 10_000,
  };
  return new Promise((resolve, reject) => {
    const request = http.request(options, async (response) => {
      let answer = '';
      for await (const chunk of response) answer += chunk;
      resolve({ status: response.statusCode, ...JSON.parse(answer) });
    });
    request.on('timeout', () => request.destroy(new Error(`${path} was not answered`)));
    request.on('error', reject);
    request.end(text);
  });
}

// A request to a port on loopback, with whatever headers.
export function knock(address, { method = 'GET', headers = {}, body = '' } = {}) {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host: url.hostname, port: url.port, path: url.pathname + url.search, method, headers, timeout: 10_000 },
      async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        resolve({ status: response.statusCode, headers: response.headers, text });
      },
    );
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end(body);
  });
}

// The simulator's rules and records.
export class Simulator {
  constructor(origin) {
    this.origin = origin;
  }

  async control(path, body, method = body === undefined ? 'GET' : 'POST') {
    const response = await fetch(`${this.origin}/_sim/${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : {};
  }

  async count(leg) {
    return (await this.control(`requests?leg=${leg}`)).length;
  }

  approve(code) {
    return this.control('approve', { user_code: code, user: 'ada@example.com' });
  }

  decline(code) {
    return this.control('decline', { user_code: code });
  }
}

// One PASS or FAIL line a check.
export class Checks {
  failed = 0;

  constructor(suite) {
    this.suite = suite;
  }

  say(name, good, said = '') {
    if (!good) this.failed += 1;
    console.log(`${good ? 'PASS' : 'FAIL'} ${this.suite}: ${name}${good || !said ? '' : ` (${String(said).slice(0, 600)})`}`);
    return good;
  }

  equal(name, found, expected) {
    return this.say(name, found === expected, `${JSON.stringify(found)} is not ${JSON.stringify(expected)}`);
  }
}

// A page of somebody else's, for as long as the browser is on it: `visit` is told its address.
export async function onAnotherSite(document, visit) {
  const server = http.createServer((request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(document);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await visit(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

// Remembers what must be in no log.
export function remember(file, code) {
  appendFileSync(file, `${code}\n`);
}
