// Sign-ins by browser in a real Chromium, at one of two parties, by a person who was signed in with a code before.
//
// node story.mjs --party simulator|provider --origin ORIGIN --socket PATH --entra PROGRAM --seen FILE --opener FILE --pictures FOLDER

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, watch } from 'node:fs';
import { parseArgs } from 'node:util';

import { Attacks } from './attacks.mjs';
import { entra, Login } from './login.mjs';
import { Provider, Simulated } from './parties.mjs';
import { Checks, knock, openBrowser, remember } from './person.mjs';

const names = ['party', 'origin', 'socket', 'entra', 'seen', 'opener', 'pictures'];
const { values: options } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: 'string' }])) });
const party = options.party === 'simulator' ? new Simulated(options.origin) : new Provider(options.origin);
const checks = new Checks(`browser at ${party.name}`);
const browser = await openBrowser();
const strays = [];

// A window without a memory; whatever it asks of anybody but the party and the redirect is noted.
async function windowFor() {
  const context = await browser.newContext();
  context.setDefaultTimeout(15_000);
  // The party's own page wants a font of the network.
  await context.route(/^https:\/\/fonts\.googleapis\.com\//, (route) => route.abort());
  context.on('request', (request) => {
    const { origin, hostname, searchParams } = new URL(request.url());
    if (origin !== options.origin && hostname !== 'localhost' && hostname !== 'fonts.googleapis.com') strays.push(request.url());
    const code = new URLSearchParams(request.postData() ?? searchParams).get('code');
    if (code && hostname === 'localhost') remember(options.seen, code);
  });
  return context;
}

const heading = (page) => page.locator('h1').textContent();
const isAt = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor().then(() => true, () => false);

// Begins a sign-in and does in a window of its own what a person does; the rest is what came of it.
async function signIn(words, act) {
  const login = new Login(options, ...words);
  const shown = await login.page();
  remember(options.seen, shown.state);
  const context = await windowFor();
  const page = await context.newPage();
  const answers = [];
  page.on('request', (request) => {
    if (request.url().startsWith('http://localhost:') && request.isNavigationRequest()) answers.push(request.method());
  });
  await page.goto(shown.url);
  const offered = words.includes('--account') || words.includes('--reroot') ? await party.offered(page) : '';
  await act(page);
  const [end] = await Promise.all([login.end(), page.waitForURL((url) => url.hostname === 'localhost')]);
  const told = { title: await heading(page), text: await page.locator('main').innerText(), url: page.url() };
  await context.close();
  return { shown, offered, answers, told, end };
}

async function accounts() {
  const { out } = await entra(options, 'accounts', '--json');
  return JSON.parse(out).accounts.map(({ username, provenance }) => `${username} by ${provenance.flow}`).join(', ');
}

async function token(...words) {
  const { out, err } = await entra(options, 'token', '--for', 'graph', '--output', 'json', ...words);
  return out ? JSON.parse(out).source : err;
}

async function rerooted() {
  checks.equal('at first the account was signed in with a code', await accounts(), `${party.ada} by device_code`);
  const wrong = await signIn(['--reroot'], (page) => party.signIn(page, party.bob));
  checks.equal('who moves up to the browser is offered the account', wrong.offered, party.ada);
  checks.equal('and no other is taken', `${wrong.end.error?.code} ${wrong.end.status}`, 'account_mismatch 4');
  checks.say('the page says whose it was and whose it should be', wrong.told.title === 'Not signed in' && wrong.told.text.includes(party.bob), wrong.told.text);
  checks.equal('until then the old sign-in stays', await accounts(), `${party.ada} by device_code`);
  checks.equal('and works', await token('--force-refresh'), 'refresh');
  const { end, told } = await signIn(['--reroot'], (page) => party.signIn(page, party.ada));
  checks.equal('the right person moves up', `${end.event} ${end.status}`, 'signed_in 0');
  checks.say('and is told so', told.title === 'Signed in' && told.text.includes(`You are signed in as ${party.ada}.`), told.text);
  checks.equal('from then on the account is signed in by browser', await accounts(), `${party.ada} by browser`);
  checks.equal('and refreshes', await token('--force-refresh'), 'refresh');
}

async function signedIn() {
  const { shown, answers, told, end } = await signIn(['--browser'], async (page) => {
    await page.screenshot({ path: `${options.pictures}/${party.name}.png` });
    await party.signIn(page, party.ada);
  });
  const asked = await party.lastPage();
  for (const [name, expected] of Object.entries({ response_type: 'code', response_mode: 'form_post', code_challenge_method: 'S256', prompt: 'select_account' })) {
    checks.equal(`the page was asked with ${name}`, asked[name], expected);
  }
  checks.say('and with a challenge that is none of another time', asked.code_challenge?.length === 43 && asked.code_challenge !== before, asked.code_challenge);
  before = asked.code_challenge;
  checks.equal('it sent its answer as a form, once', answers.join(' '), 'POST');
  checks.equal('so the code is in no address', told.url, `http://localhost:${shown.port}/`);
  checks.equal('the person is signed in', `${end.event} ${end.status} ${end.account?.provenance.flow}`, 'signed_in 0 browser');
  checks.equal('the token that came with it is served', await token(), 'cache');
  const late = await knock(`${shown.back}?code=x&state=${shown.state}`).catch((error) => error.code);
  checks.equal('the port is closed afterwards', late, 'ECONNREFUSED');
}
let before;

// A party that knows no form_post answers with an address.
async function answeredByQuery() {
  await party.answersByQuery(true);
  const { answers, told, end } = await signIn(['--browser'], (page) => party.signIn(page, party.ada));
  await party.answersByQuery(false);
  checks.equal('an answer by address is taken as well', `${answers.join(' ')} ${end.event}`, 'GET signed_in');
  checks.equal('and told', told.title, 'Signed in');
}

// Without --json, as at a terminal: entra has the desktop open the page.
async function opened() {
  const environment = { ...process.env, DISPLAY: ':0', BROWSER: options.opener };
  const child = spawn(options.entra, ['login', '--browser', '--open', '--socket', options.socket], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => { said += text; });
  const ended = once(child, 'close');
  const url = await fileAt(`${options.opener}.opened`);
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await party.signIn(page, party.ada);
  const [status] = await ended;
  remember(options.seen, new URL(url).searchParams.get('state'));
  checks.say('the page that $BROWSER was given leads to a sign-in', (await isAt(page, 'Signed in')) && status === 0, `${status} ${said}`);
  checks.say('and the terminal says who signed in', said.includes(party.ada), said);
  await context.close();
}

async function fileAt(path) {
  const signal = AbortSignal.timeout(15_000);
  const watcher = watch(path.slice(0, path.lastIndexOf('/')));
  while (!existsSync(path)) await once(watcher, 'change', { signal });
  watcher.close();
  return readFileSync(path, 'utf8').trim();
}

async function declined() {
  const { end, told } = await signIn(['--browser'], (page) => party.decline(page));
  checks.equal('who says no is not signed in', `${end.error?.code} ${end.status}`, 'sign_in_cancelled 8');
  checks.equal('and told so', told.title, 'Not signed in');
  if (party.declineConsent) {
    const late = await signIn(['--browser'], (page) => party.declineConsent(page, party.bob));
    checks.equal('nor who says no to what the application wants', `${late.end.error?.code} ${late.told.title}`, 'sign_in_cancelled Not signed in');
  }
  checks.equal('whoever was signed in still is', await accounts(), `${party.ada} by browser`);
}

async function anotherAccount() {
  const { shown, offered, told, end } = await signIn(['--browser', '--account', party.ada], (page) => party.signIn(page, party.bob));
  checks.equal('the expected account is named to the page', shown.asked.get('login_hint'), party.ada);
  checks.equal('which offers it', offered, party.ada);
  checks.equal('another one is refused', `${end.error?.code} ${end.status}`, 'account_mismatch 4');
  checks.say('for a reason that the page shows', told.text.includes(`\`${party.bob}\` signed in, but \`${party.ada}\` was expected`), told.text);
  checks.equal('and nothing of it is kept', await accounts(), `${party.ada} by browser`);
}

async function withClaims() {
  const claims = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}';
  const { end } = await signIn(['--browser', '--claims', claims], (page) => party.signIn(page, party.ada));
  const carried = (text) => JSON.parse(text ?? '{}').access_token?.acrs?.value;
  checks.equal('a challenge is carried to the page', carried((await party.lastPage()).claims), 'c1');
  if (party.lastForm) checks.equal('and to the redemption of the code', carried((await party.lastForm()).claims), 'c1');
  checks.equal('whose answer is taken', end.event, 'signed_in');
}

try {
  await rerooted();
  await signedIn();
  if (party.answersByQuery) await answeredByQuery();
  await opened();
  await declined();
  await anotherAccount();
  await withClaims();
  if (party.simulator) await new Attacks(browser, checks, options, party).tryAll(windowFor);
  checks.equal('the browser spoke to nobody else', strays.join('\n'), '');
} catch (error) {
  checks.say('the story could be played', false, error.stack);
} finally {
  await browser.close();
}
process.exitCode = checks.failed ? 1 : 0;
