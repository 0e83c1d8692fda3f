// Servers of others: one whose name is bound anew while the browser is on its page, and one that gives everybody all they ask for,
// by which it is seen that the attacks work.

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';

// As the hosts file has it: first at the second address, then at the first, where entrad is.
export const NAME = 'evil.test';
export const ITS_ADDRESS = '127.0.0.2';
export const LOOT = 'the loot of one test';

// The page of the attacker's server on this port, for as long as `visit` wants; `leave` has the server go away, and then the
// page's own name leads to whoever listens on that port here.
export async function onItsPage(context, port, visit) {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', connection: 'close' });
    response.end('<!doctype html><title>evil</title><body>');
  });
  server.listen(port, ITS_ADDRESS);
  await once(server, 'listening');
  const leave = async () => {
    const gone = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await gone;
  };
  const page = await context.newPage();
  try {
    await page.goto(`http://${NAME}:${server.address().port}/`);
    await visit(page, leave);
  } finally {
    await page.close();
    if (server.listening) await leave();
  }
}

// One that lets everybody in, on a port of its own here.
export async function besideOneThatGives(visit) {
  const server = http.createServer(give);
  server.on('upgrade', (request, socket) => {
    const key = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.on('error', () => {});
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await visit(server.address().port);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

function give(request, response) {
  const accepted = request.headers.accept ?? '';
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': '*',
    'access-control-allow-methods': '*',
    'access-control-allow-private-network': 'true',
    connection: 'close',
  };
  // One body is a document, a script and a text.
  let [kind, body] = ['text/javascript', `/*<p>${LOOT}</p>*/ globalThis.stolen = '${LOOT}'`];
  if (accepted.startsWith('text/html')) kind = 'text/html';
  if (accepted.includes('event-stream')) [kind, body] = ['text/event-stream', `data: ${LOOT}\n\n`];
  if (accepted.startsWith('image/')) [kind, body] = ['image/gif', Buffer.from('R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==', 'base64')];
  response.writeHead(200, { ...headers, 'content-type': kind });
  request.resume();
  response.end(body);
}
