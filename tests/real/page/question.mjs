// The page of a question in a real Chromium: a person's click answers it, and nobody else's.
//
// node question.mjs --socket PATH --tools FOLDER --opened FILE --entra PROGRAM --pictures FOLDER

import { execFile } from 'node:child_process';
import { readFileSync, watch } from 'node:fs';
import { parseArgs, promisify } from 'node:util';

import { Attacks } from './attacks.mjs';
import { Looks } from './looks.mjs';
import { Checks, knock, openBrowser } from './person.mjs';

const { values: options } = parseArgs({
  options: {
    socket: { type: 'string' },
    tools: { type: 'string' },
    opened: { type: 'string' },
    entra: { type: 'string' },
    pictures: { type: 'string' },
  },
});
const LONG = 20_000;
const run = promisify(execFile);
const checks = new Checks('page');
const browser = await openBrowser();
const looks = new Looks(browser, checks, options.pictures);

// A program of the person's asks for a token: what it will be told, and where the page is that the desktop opened.
async function asked(name) {
  const before = pages().length;
  const body = JSON.stringify({ resource: 'graph', profile: 'default' });
  const told = run(`${options.tools}/tool-${name}`, [
    '--silent', '--output', '/dev/null', '--write-out', '%{http_code}', '--max-time', '60', '--unix-socket', options.socket, '--json', body, 'http://entrad/v1/token',
  ]).then(({ stdout }) => stdout, (error) => error.message);
  const stop = new AbortController();
  const late = setTimeout(() => stop.abort(), LONG);
  await new Promise((resolve, reject) => {
    const look = () => { if (pages().length > before) resolve(); };
    watch(options.opened, { signal: stop.signal }, look);
    stop.signal.addEventListener('abort', () => reject(new Error(`no page was opened for ${name}`)));
    look();
  });
  clearTimeout(late);
  // What is watched still would keep this program from its end.
  stop.abort();
  return { told, url: pages().at(-1) };
}

const pages = () => readFileSync(options.opened, 'utf8').split('\n').filter(Boolean);

async function windowFor(settings = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 900 }, ...settings });
  context.setDefaultTimeout(LONG);
  return context;
}

const isAt = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor().then(() => true, () => false);
const button = (page, name) => page.getByRole('button', { name, exact: true });

async function answered() {
  const { told, url } = await asked('one');
  await fromAnywhere(url);
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  checks.equal('a question has a page', await page.locator('h1').textContent(), 'Allow this?');
  const body = await page.locator('body').innerText();
  for (const said of [`${options.tools}/tool-one (process `, 'Microsoft Graph', 'ask program=', 'ada@example.com', 'sha256:']) {
    checks.say(`it says ${said.slice(-20)}`, body.includes(said), body);
  }
  const buttons = await page.getByRole('button').allTextContents();
  checks.equal('it offers every answer', buttons.join(', '), 'Allow once, Allow for this session, Always allow, Deny, Never allow');
  checks.equal('the address is in the document nowhere', (await page.content()).includes(url.split('/').pop()), false);
  await looks.judge('12-question', url);
  const other = await knock(url);
  checks.equal('another process gets nothing by the address that the browser has', other.status, 403);
  await new Attacks(browser, checks).fromAnotherPage(url);
  checks.say('none of that answered it', await Promise.race([told, Promise.resolve('')]) === '' && await isAt(page, 'Allow this?'));
  await button(page, 'Allow for this session').click();
  checks.say('a click answers it', await isAt(page, 'Allowed for this session'), await page.locator('main').innerText());
  checks.equal('whoever asked has its token', await told, '200');
  await page.screenshot({ path: `${options.pictures}/13-answered.png`, fullPage: true });
  await context.close();
}

// Before anybody has read it, so that it is no other reader's fault.
async function fromAnywhere(url) {
  const { host, port } = new URL(url);
  const attempts = {
    'a question under a name that was bound anew': [url, { headers: { host: `evil.example:${port}` } }],
    'a foreign origin': [url, { headers: { host, origin: 'https://evil.example' } }],
    'a form of nobody': [url, { method: 'POST', headers: { host }, body: 'do=once' }],
    'a form without an origin': [url, { method: 'POST', headers: { host, origin: 'null' }, body: 'do=once' }],
    'a form without the key': [url, { method: 'POST', headers: { host, origin: `http://${host}` }, body: 'do=once' }],
  };
  for (const [name, [address, request]] of Object.entries(attempts)) {
    checks.equal(`${name} is refused`, (await knock(address, request)).status, 403);
  }
}

async function withoutScript() {
  const { told, url } = await asked('two');
  const context = await windowFor({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url);
  await button(page, 'Deny').click();
  checks.say('it needs no script', await isAt(page, 'Denied'), await page.locator('main').innerText());
  checks.equal('and whoever asked is refused', await told, '403');
  await context.close();
}

async function elsewhere() {
  const { told, url } = await asked('three');
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  const { stdout } = await run(options.entra, ['--socket', options.socket, 'consent', 'list', '--json']);
  const { id } = JSON.parse(stdout).questions.find(({ state }) => state === 'asked');
  await run(options.entra, ['--socket', options.socket, 'consent', 'allow', id]);
  checks.say('what is answered at a terminal is shown by itself', await isAt(page, 'Allowed once'), await page.locator('main').innerText());
  checks.equal('and holds', await told, '200');
  await context.close();
}

try {
  await answered();
  await withoutScript();
  await elsewhere();
} catch (error) {
  checks.say('the story of a question could be played', false, error.stack);
} finally {
  await browser.close();
}
process.exitCode = checks.failed ? 1 : 0;
