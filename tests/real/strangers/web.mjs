// What pages and extensions in the person's own browser get of each port that entrad has on loopback: pages of another origin, of
// none, and of a name that was bound anew. Chromium's own guards are no part of it: the attacker is on loopback as well, so that
// to the browser nothing is more private than the attacker (Private Network Access).
//
// node web.mjs --socket PATH --simulator ORIGIN --entra PROGRAM --endpoint URL --secret SECRET --folder FOLDER

import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { attack } from './attack.mjs';
import { besideOneThatGives, LOOT, NAME, onItsPage } from './evil.mjs';
import { Login } from './login.mjs';
import { ARGUMENTS, ask, Checks, CHROMIUM, knock, Simulator } from './person.mjs';

const { values: options } = parseArgs({
  options: {
    socket: { type: 'string' },
    simulator: { type: 'string' },
    entra: { type: 'string' },
    endpoint: { type: 'string' },
    secret: { type: 'string' },
    folder: { type: 'string' },
  },
});
const checks = new Checks('strangers on the web');
const simulator = new Simulator(options.simulator);

// What entrad has on loopback, with all that an attacker could know of it.
async function targets() {
  const page = await ask(options.socket, '/v1/pages', {});
  const login = new Login(options, '--browser');
  const { back, state } = await login.page();
  return {
    login,
    all: [
      { name: 'the port for tools', url: `${options.endpoint}?api-version=2019-08-01&resource=https://ai.azure.com`, form: 'resource=graph' },
      { name: 'a sign-in page', url: page.url, form: 'do=begin' },
      { name: 'the port of an answer', url: `${back}?code=x&state=${state.slice(0, -1)}`, form: `state=${state.slice(0, -1)}` },
    ],
  };
}

// Like the address, by the attacker's name.
function boundAnew(url) {
  const address = new URL(url);
  address.hostname = NAME;
  return address.href;
}

// Nothing, or a refusal: its status, or the sentence of it that a frame shows.
const isRefused = (text) => /^nothing$|^40[0345] |^\{"statusCode":403|Not this sign-in/.test(text) && !text.includes('access_token');

function judge(who, target, got) {
  for (const [way, text] of Object.entries(got)) {
    checks.say(`${who} ${way} at ${target.name}: refused`, isRefused(text), text);
  }
}

async function rebound(context, target) {
  await onItsPage(context, new URL(target.url).port, async (page, leave) => {
    await leave();
    judge('a page whose name was bound anew', target, await page.evaluate(attack, { ...target, url: boundAnew(target.url), secret: options.secret }));
  });
}

// In a frame whose origin is none.
function fromNowhere(page, what) {
  return page.evaluate(([work, told]) => new Promise((resolve) => {
    addEventListener('message', ({ data }) => resolve(data), { once: true });
    const frame = document.createElement('iframe');
    frame.sandbox = 'allow-scripts allow-forms';
    frame.srcdoc = `<body><script>(${work})(${JSON.stringify(told)}).then((got) => parent.postMessage(got, '*'))</script>`;
    document.body.append(frame);
  }), [attack.toString(), what]);
}

async function fromElsewhere(context, worker, all) {
  await onItsPage(context, 0, async (page) => {
    for (const target of all) {
      const what = { ...target, secret: options.secret };
      judge('a page of another site', target, await page.evaluate(attack, what));
      judge('a page of no origin', target, await fromNowhere(page, what));
    }
  });
  // It is shown what the person is shown; so it knows neither the secret nor the address, which would let it in.
  for (const target of all) {
    const url = target.url.replace(/sign-in\/.*/, 'sign-in/guess');
    judge('an extension that is let into every site', target, await worker.evaluate(attack, { ...target, url, secret: 'none' }));
  }
}

// That all of it works where it is let.
async function seesWhatIsGiven(context, worker) {
  const everything = (got) => Object.entries(got).every(([way, text]) => text !== 'nothing' || BLIND.has(way));
  await besideOneThatGives(async (port) => {
    const what = { url: `http://127.0.0.1:${port}/`, secret: 'x', form: 'a=b' };
    await onItsPage(context, port, async (page, leave) => {
      await leave();
      const got = await page.evaluate(attack, { ...what, url: boundAnew(what.url) });
      checks.say('the attacks work: a name that was bound anew reads all of a server that looks at no name', everything(got), JSON.stringify(got));
    });
    await onItsPage(context, 0, async (page) => {
      const got = await page.evaluate(attack, what);
      checks.say('another site reads what a server lets it', got['reads it'].includes(LOOT) && got['asks for leave first'].includes(LOOT) && got['runs it'] === LOOT, JSON.stringify(got));
      const lost = await fromNowhere(page, what);
      checks.say('and so does a page of no origin', lost['reads it'].includes(LOOT) && lost['opens a WebSocket'] === 'opened', JSON.stringify(lost));
    });
    const got = await worker.evaluate(attack, what);
    checks.say('and an extension', got['reads it'].includes(LOOT), JSON.stringify(got));
  });
}
// Answers to these are kept from every page.
const BLIND = new Set(['reads it and says not who it is', 'posts a form blindly']);

// What a page may not say of itself, so that only a program can: each name of a browser's, and the questions before its requests.
async function byTheirWords(all) {
  const words = {
    'an extension’s origin': { origin: 'chrome-extension://abcdefghijklmnopabcdefghijklmnop' },
    'no origin': { origin: 'null' },
    'its own origin by another name': { origin: `http://${NAME}` },
    'another site’s referer': { referer: `http://${NAME}/` },
    'another site': { 'sec-fetch-site': 'cross-site' },
  };
  for (const target of all.slice(0, 1)) {
    const mine = { 'x-identity-header': options.secret };
    const { status, text } = await knock(target.url, { headers: mine });
    checks.say('a program with the secret gets a token', status === 200 && text.includes('access_token'), `${status}`);
    for (const [name, headers] of Object.entries(words)) {
      const answer = await knock(target.url, { headers: { ...mine, ...headers } });
      checks.say(`with ${name} it gets nothing`, answer.status === 403 && !answer.text.includes('access_token'), answer.text);
    }
  }
  for (const target of all) {
    const asked = { origin: `http://${NAME}`, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-identity-header', 'access-control-request-private-network': 'true' };
    const { status, headers } = await knock(target.url, { method: 'OPTIONS', headers: asked });
    const leave = Object.keys(headers).filter((header) => header.startsWith('access-control'));
    checks.say(`${target.name}: who asks for leave to look into a private network has none`, status >= 400 && leave.length === 0, `${status} ${leave}`);
  }
}

// An extension that the person has let into every site.
function extension() {
  const folder = `${options.folder}/extension`;
  mkdirSync(folder);
  const manifest = { manifest_version: 3, name: 'evil', version: '1', background: { service_worker: 'worker.js' }, host_permissions: ['<all_urls>'] };
  writeFileSync(`${folder}/manifest.json`, JSON.stringify(manifest));
  writeFileSync(`${folder}/worker.js`, '');
  return folder;
}

const folder = extension();
const context = await chromium.launchPersistentContext(`${options.folder}/profile`, {
  executablePath: CHROMIUM,
  ignoreDefaultArgs: ['--disable-extensions'],
  // The system's resolver, which knows that a name may have two addresses.
  args: [...ARGUMENTS, '--disable-features=AsyncDns', `--disable-extensions-except=${folder}`, `--load-extension=${folder}`],
});
context.setDefaultTimeout(30_000);
try {
  const worker = context.serviceWorkers()[0] ?? await context.waitForEvent('serviceworker');
  await seesWhatIsGiven(context, worker);
  const { login, all } = await targets();
  const before = [await simulator.count('devicecode'), await simulator.count('code')].join();
  for (const target of all) await rebound(context, target);
  await fromElsewhere(context, worker, all);
  await byTheirWords(all);
  checks.equal('nobody’s attack began a sign-in or ended one', [await simulator.count('devicecode'), await simulator.count('code')].join(), before);
  await login.stop();
} finally {
  await context.close();
}
process.exit(checks.failed ? 1 : 0);
