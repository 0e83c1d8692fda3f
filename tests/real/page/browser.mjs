// The sign-in page in a real Chromium, from the click to each of its ends.
//
// node browser.mjs --socket PATH --simulator ORIGIN --pictures FOLDER --seen FILE --daemon PID

import { parseArgs } from 'node:util';

import { Attacks } from './attacks.mjs';
import { Looks } from './looks.mjs';
import { ask, Checks, openBrowser, remember, Simulator } from './person.mjs';

const { values: options } = parseArgs({
  options: {
    socket: { type: 'string' },
    simulator: { type: 'string' },
    pictures: { type: 'string' },
    seen: { type: 'string' },
    daemon: { type: 'string' },
  },
});
const LONG = 20_000;
const checks = new Checks('page');
const simulator = new Simulator(options.simulator);
const asked = { program: 'az', reason: 'Your organisation wants you to sign in again: the last time was a while ago.', account: 'ada@example.com' };

const browser = await openBrowser();
const looks = new Looks(browser, checks, options.pictures);
const strays = [];

// A window of the person's own; whatever it asks of anybody but the page's and the simulator's ports is noted.
async function windowFor(settings = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 900 }, permissions: ['clipboard-read', 'clipboard-write'], ...settings });
  context.setDefaultTimeout(LONG);
  context.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (!['127.0.0.1', 'localhost'].includes(hostname) && protocol !== 'data:') strays.push(request.url());
  });
  context.on('console', (message) => {
    // The simulator has no icon; that a stopped daemon is not reached is a check of its own.
    const isOurs = !message.location().url.startsWith(options.simulator) && !message.text().includes('ERR_');
    if (message.type() === 'error' && isOurs) strays.push(message.text());
  });
  return context;
}

async function opened(request = asked) {
  const answer = await ask(options.socket, '/v1/pages', request);
  if (!answer.url) throw new Error(`no page was opened: ${JSON.stringify(answer)}`);
  return answer.url;
}

const heading = (page) => page.locator('h1').textContent();
const isAt = (page, text) => page.getByRole('heading', { level: 1, name: text }).waitFor().then(() => true, () => false);
const shownCode = async (page) => {
  const code = await page.locator('#code').textContent();
  remember(options.seen, code);
  return code;
};
const begin = async (page) => {
  await page.getByRole('button', { name: 'Sign in' }).click();
  return shownCode(page);
};

const WAITING = 'Enter this code on Microsoft’s page';
const ONWARD = 'Sign in on Microsoft’s page';
const SIGNED_IN = 'You are signed in';
const CANCELLED = 'The sign-in was cancelled';
const EXPIRED = 'The code has expired';
const FAILED = 'The sign-in did not work';

async function throughSignIn() {
  const url = await opened();
  const context = await windowFor();
  const one = await context.newPage();
  await one.goto(url);
  checks.equal('a page that was opened asks first', await heading(one), 'Sign in to Microsoft');
  const body = await one.locator('body').innerText();
  for (const told of [asked.program, asked.reason, asked.account, 'Only continue if you started this yourself.']) {
    checks.say(`it says ${told.slice(0, 30)}`, body.includes(told), body);
  }
  checks.equal('and begins nothing by itself', await simulator.count('devicecode'), 0);
  await looks.judge('1-begin', url);

  const two = await context.newPage();
  await two.goto(url);
  const code = await begin(one);
  checks.say('a click brings a code', /^[A-Z0-9]{9}$/.test(code), code);
  checks.say('the other tab shows the same by itself', await isAt(two, WAITING), await heading(two));
  checks.equal('with the same code', await two.locator('#code').textContent(), code);
  await one.reload();
  checks.equal('a reload shows the same code', await one.locator('#code').textContent(), code);
  checks.equal('one code was asked for', await simulator.count('devicecode'), 1);
  checks.equal('the address is in the document nowhere', (await one.content()).includes(url.split('/').pop()), false);
  await looks.judge('2-waiting', url);

  await one.getByRole('button', { name: 'Copy' }).click();
  await one.getByRole('button', { name: 'Copied' }).waitFor();
  checks.equal('the button copies the code', await one.evaluate(() => navigator.clipboard.readText()), code);
  const clock = one.getByRole('timer');
  const before = await clock.textContent();
  await one.waitForFunction((text) => document.getElementById('clock').textContent !== text, before);
  checks.say('the clock counts down', (await clock.textContent()) < before, `${before} ${await clock.textContent()}`);

  const [microsofts] = await Promise.all([context.waitForEvent('page'), one.getByRole('link', { name: /Open Microsoft/ }).click()]);
  await microsofts.waitForLoadState();
  const manners = await microsofts.evaluate(() => ({ opener: window.opener, referrer: document.referrer }));
  checks.equal('Microsoft’s page learns nothing of ours', JSON.stringify(manners), '{"opener":null,"referrer":""}');
  await microsofts.locator('[name=user_code]').fill(code);
  await microsofts.getByRole('button', { name: /ada@example.com/ }).click();
  for (const [name, tab] of [['the tab', one], ['the other tab', two]]) {
    checks.say(`${name} notices that the person signed in`, await isAt(tab, SIGNED_IN), await heading(tab));
  }
  checks.say('and says who', (await one.locator('main').innerText()).includes('ada@example.com'));
  checks.equal('the code is gone', await one.locator('#code').count(), 0);
  await looks.judge('3-signed-in', url);
  await context.close();
}

async function declined() {
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await simulator.decline(await begin(page));
  checks.say('a person who says no at Microsoft’s page is told so here', await isAt(page, CANCELLED), await heading(page));
  await looks.judge('4-declined', url);
  await page.getByRole('button', { name: 'Try again' }).click();
  const code = await shownCode(page);
  checks.say('and may try again', /^[A-Z0-9]{9}$/.test(code), code);
  await page.getByRole('button', { name: 'Cancel' }).click();
  checks.say('or say no here', await isAt(page, CANCELLED), await heading(page));
  const refused = await simulator.approve(code).then(() => page.waitForTimeout(1500)).then(() => heading(page));
  checks.equal('after which the code brings nothing', refused, CANCELLED);
  await context.close();
}

async function expired() {
  await simulator.control('options', { device_code_life: 4 });
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  checks.say('a code that nobody enters expires before the person’s eyes', await isAt(page, EXPIRED), await heading(page));
  await looks.judge('5-expired', url);
  await simulator.control('options', { device_code_life: 900 });
  await page.getByRole('button', { name: 'Try again' }).click();
  await simulator.approve(await shownCode(page));
  checks.say('another try works', await isAt(page, SIGNED_IN), await heading(page));
  await context.close();
}

async function failed() {
  await simulator.control('faults', [{ leg: 'poll', after: 1, actions: [{ kind: 'refuse', error: 'invalid_client', code: 7000218, description: 'The request body must contain the following parameter: client_assertion or client_secret.' }] }]);
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  checks.say('what Entra refuses is told', await isAt(page, FAILED), await heading(page));
  const text = await page.locator('main').innerText();
  checks.say('with its number and its id for an administrator', text.includes('AADSTS7000218') && text.includes('Correlation id'), text);
  await looks.judge('6-failed', url);
  await context.close();
  await simulator.control('faults', undefined, 'DELETE');
}

// Who may not use a code goes on in the browser that shows the page.
async function onward() {
  await simulator.control('faults', [{ leg: 'poll', after: 1, actions: [{ kind: 'refuse', error: 'invalid_grant', code: 53003, description: 'Access has been blocked by Conditional Access policies.' }] }]);
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  checks.say('a code that a policy refuses gives way to the browser', await isAt(page, ONWARD), await heading(page));
  await simulator.control('faults', undefined, 'DELETE');
  const text = await page.locator('main').innerText();
  checks.say('with the reason', text.includes('AADSTS53003'), text);
  checks.equal('the code is gone', await page.locator('#code').count(), 0);
  const document = await page.content();
  checks.say('and no address of Microsoft’s page is in the document', !document.includes('authorize'), document);
  await looks.judge('12-onward', url);
  const [microsofts] = await Promise.all([context.waitForEvent('page'), page.getByRole('link', { name: /Open Microsoft/ }).click()]);
  await microsofts.waitForLoadState();
  const there = await microsofts.evaluate(() => ({ opener: window.opener, referrer: document.referrer }));
  checks.equal('the link leads to Microsoft’s page, which learns nothing of ours', JSON.stringify([new URL(microsofts.url()).origin, there]), JSON.stringify([options.simulator, { opener: null, referrer: '' }]));
  await microsofts.getByRole('button', { name: /ada@example.com/ }).click();
  checks.say('what comes back says that it worked', await microsofts.getByText('You are signed in as ada@example.com').waitFor().then(() => true, () => false), microsofts.url());
  checks.say('and the page that led there notices', await isAt(page, SIGNED_IN), await heading(page));
  await context.close();
}

async function strangeAddress() {
  await simulator.control('faults', [{ leg: 'devicecode', actions: [{ kind: 'set_fields', fields: { verification_uri: 'https://login.rnicrosoft.example/device' } }] }]);
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  checks.equal('an address that is not Microsoft’s is no link', await page.getByRole('link').count(), 0);
  checks.say('and is warned of', (await page.locator('main').innerText()).includes('do not go there unless you know whose it is'));
  await looks.judge('7-strange-address', url);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await isAt(page, CANCELLED);
  await context.close();
}

async function whileMicrosoftIsSlow() {
  await simulator.control('faults', [{ leg: 'devicecode', actions: [{ kind: 'delay', ms: 8000 }] }]);
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await page.getByRole('button', { name: 'Sign in' }).click();
  checks.say('a slow answer is waited for in plain sight', await isAt(page, 'One moment'), await heading(page));
  await looks.judge('8-one-moment', url);
  checks.say('and shown when it comes', await isAt(page, WAITING), await heading(page));
  await page.getByRole('button', { name: 'Cancel' }).click();
  await isAt(page, CANCELLED);
  await context.close();
}

// The page as it is outside of tests, for the README.
async function asPeopleSeeIt() {
  await simulator.control('faults', [{ leg: 'devicecode', actions: [{ kind: 'set_fields', fields: { verification_uri: 'https://microsoft.com/devicelogin' } }] }]);
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  const link = page.getByRole('link', { name: /Open Microsoft/ });
  checks.equal('Microsoft’s own address is a link', await link.getAttribute('href'), 'https://microsoft.com/devicelogin');
  await looks.judge('0-as-people-see-it', url);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await isAt(page, CANCELLED);
  await context.close();
}

async function withoutScript() {
  const url = await opened();
  const context = await windowFor({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url);
  const code = await begin(page);
  checks.say('without JavaScript a click brings a code too', /^[A-Z0-9]{9}$/.test(code), code);
  checks.equal('and no button that would do nothing', await page.getByRole('button', { name: 'Copy' }).count(), 0);
  await page.screenshot({ path: `${options.pictures}/9-without-script.png`, fullPage: true });
  await simulator.approve(code);
  checks.say('and the page notices the end', await isAt(page, SIGNED_IN), await heading(page));
  await context.close();
}

async function byKeyboard() {
  const url = await opened();
  const context = await windowFor({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  await page.goto(url);
  await page.keyboard.press('Tab');
  const focused = await page.evaluate(() => {
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    return `${document.activeElement.value} ${outlineStyle} ${outlineWidth}`;
  });
  checks.equal('the first key leads to the button, and it is seen', focused, 'begin solid 3px');
  await page.keyboard.press('Enter');
  const code = await shownCode(page);
  const stops = [];
  for (let n = 0; n < 3; n += 1) {
    await page.keyboard.press('Tab');
    stops.push(await page.evaluate(() => document.activeElement.textContent.trim().split(' ')[0]));
  }
  checks.equal('all that can be done is done by keyboard, in order', stops.join(' '), 'Copy Open Cancel');
  checks.equal('nothing moves for who wants it still', await page.locator('.dot').evaluate((dot) => getComputedStyle(dot).animationName), 'none');
  await simulator.approve(code);
  await isAt(page, SIGNED_IN);
  checks.equal('who cannot see the end hears its heading', await page.evaluate(() => document.activeElement.id), 'title');
  await context.close();
}

async function onSmallScreens() {
  const url = await opened({ ...asked, program: `a-program-with-a-very-${'long-'.repeat(12)}name`, reason: 'x'.repeat(200) });
  const context = await windowFor({ viewport: { width: 320, height: 640 } });
  const page = await context.newPage();
  await page.goto(url);
  const code = await begin(page);
  const fits = await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
  checks.say('it fits 320 pixels, whatever it is told', fits);
  await page.screenshot({ path: `${options.pictures}/10-small.png`, fullPage: true });
  await simulator.approve(code);
  await isAt(page, SIGNED_IN);
  await context.close();
}

async function whenTheDaemonStops() {
  const url = await opened();
  const context = await windowFor();
  const page = await context.newPage();
  await page.goto(url);
  await begin(page);
  process.kill(Number(options.daemon), 'SIGTERM');
  const said = page.getByRole('status').filter({ hasText: 'entrad does not answer' });
  checks.say('when entrad stops the page says so', await said.waitFor().then(() => true, () => false), await page.locator('main').innerText());
  await context.close();
}

try {
  await throughSignIn();
  await declined();
  await expired();
  await failed();
  await onward();
  await strangeAddress();
  await whileMicrosoftIsSlow();
  await asPeopleSeeIt();
  await withoutScript();
  await byKeyboard();
  await onSmallScreens();
  await looks.judge('11-refused', `${new URL(await opened()).origin}/`);
  await new Attacks(browser, checks, simulator).tryAll(opened);
  await whenTheDaemonStops();
  checks.equal('nothing was fetched from elsewhere, and no rule broken', strays.join('\n'), '');
} catch (error) {
  checks.say('the story could be played', false, error.stack);
} finally {
  await browser.close();
}
process.exitCode = checks.failed ? 1 : 0;
