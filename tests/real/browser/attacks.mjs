// What others try on the port where a browser brings the answer: programs of any user, and pages of others in the person's
// own browser.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';

import { Login } from './login.mjs';
import { knock, onAnotherSite, remember } from './person.mjs';

// As in workstation.sh.
const SLACK = Number(process.env.ENTRAD_REAL_SLACK ?? 1);
const FORM = 'application/x-www-form-urlencoded';

export class Attacks {
  constructor(browser, checks, options, party) {
    Object.assign(this, { browser, checks, options, party });
  }

  async tryAll(windowFor) {
    this.windowFor = windowFor;
    await this.during('forgeries', (shown) => this.forge(shown));
    await this.during('another site', (shown) => this.fromAnotherSite(shown));
    await this.during('another user', (shown) => this.asAnotherUser(shown));
    await this.during('the slow', (shown) => this.keepBusy(shown));
    await this.answerTwice();
  }

  // A sign-in that is attacked before the right answer comes, which works all the same.
  async during(name, attack) {
    const login = new Login(this.options, '--browser');
    const shown = await login.page();
    remember(this.options.seen, shown.state);
    const codes = await this.party.simulator.count('code');
    const after = await attack(shown);
    this.checks.equal(`nothing was redeemed by ${name}`, await this.party.simulator.count('code'), codes);
    const context = await this.windowFor();
    const page = await context.newPage();
    const begun = Date.now();
    await page.goto(shown.url);
    await this.party.signIn(page, this.party.ada);
    const { event, status } = await login.end();
    this.checks.equal(`after ${name} the right answer is taken`, `${event} ${status}`, 'signed_in 0');
    const took = Date.now() - begun;
    this.checks.say('within five seconds', took < 5000 * SLACK, `${took} ms`);
    await context.close();
    after?.();
  }

  async forge({ back, port, state }) {
    const answer = (fields) => ({ method: 'POST', headers: { 'content-type': FORM }, body: new URLSearchParams(fields).toString() });
    const at = (fields, path = '') => `${back}${path}?${new URLSearchParams(fields)}`;
    const wrong = `${state.slice(0, -1)}${state.endsWith('A') ? 'B' : 'A'}`;
    const right = { code: 'x', state };
    const attempts = {
      'a wrong state': [400, back, answer({ code: 'x', state: wrong })],
      'a wrong state in the address': [400, at({ code: 'x', state: wrong })],
      'half a state': [400, back, answer({ code: 'x', state: state.slice(0, -3) })],
      'no state': [400, back, answer({ code: 'x' })],
      'two states': [400, `${at(right)}&state=${wrong}`],
      'a state in the address of an empty form': [400, at(right), answer({})],
      'an error without a state': [400, back, answer({ error: 'access_denied' })],
      'an error with a wrong state, in the address': [400, at({ error: 'access_denied', state: wrong })],
      'a code and an error': [400, at({ ...right, error: 'access_denied' })],
      'neither of them': [400, at({ state })],
      'an empty code': [400, at({ code: '', state })],
      'a foreign path': [404, at(right, 'callback')],
      'an icon': [404, `${back}favicon.ico`],
      'a foreign name': [404, at(right), { headers: { host: `evil.example:${port}` } }],
      'a name that only begins like ours': [404, at(right), { headers: { host: `localhost.evil.example:${port}` } }],
      'an address for a name': [404, at(right), { headers: { host: `127.0.0.1:${port}` } }],
      'another port’s name': [404, at(right), { headers: { host: 'localhost:1' } }],
      'another method': [404, at(right), { method: 'PUT' }],
      'a question before a request': [404, at(right), { method: 'OPTIONS', headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' } }],
      'a form of 17 KiB': [400, back, answer({ ...right, more: 'x'.repeat(17 * 1024) })],
    };
    for (const [name, [expected, address, request]] of Object.entries(attempts)) {
      const { status, headers } = await knock(address, request);
      this.checks.equal(`${name} is refused`, status, expected);
      const lets = Object.keys(headers).filter((header) => header.startsWith('access-control'));
      if (lets.length) this.checks.equal('and no other site may read it', lets.join(' '), '');
    }
    const refused = await this.say(port, `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
    this.checks.say('a head of 20 kB is refused', /^HTTP\/1.1 4(14|31)/.test(refused), refused);
    const doubled = await this.say(port, `GET /?code=x&state=${state} HTTP/1.1\r\nHost: localhost:${port}\r\nHost: evil.example\r\n\r\n`);
    this.checks.say('two names are refused', /^HTTP\/1.1 40[04]/.test(doubled), doubled);
    this.checks.equal('what is no request is refused', (await this.say(port, 'gibberish\r\n\r\n')).split('\r\n')[0], 'HTTP/1.1 400 Bad Request');
  }

  // Bytes as they are, and the answer to its end.
  async say(port, text) {
    const socket = net.connect(port, '127.0.0.1');
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.write(text);
    let answer = '';
    socket.on('data', (bytes) => { answer += bytes; });
    await once(socket, 'close');
    return answer;
  }

  // A page in the person's browser that knows the port, and cannot know the state.
  async fromAnotherSite({ back }) {
    const forged = `${back}?code=x&state=guess`;
    const document = `<!doctype html><title>evil</title><img id=image><form id=form method=post action="${back}"><input name=code value=x><input name=state value=guess></form>`;
    const context = await this.browser.newContext();
    context.setDefaultTimeout(15_000);
    try {
      await onAnotherSite(document, async (evil) => {
        const page = await context.newPage();
        await page.goto(evil);
        const tries = (address) => page.evaluate(async (url) => {
          const fetched = (settings) => fetch(url, settings).then((answer) => answer.type, () => 'nothing');
          const image = document.getElementById('image');
          const drawn = new Promise((resolve) => { image.onload = () => resolve('drawn'); image.onerror = () => resolve('nothing'); });
          image.src = url;
          const form = 'application/x-www-form-urlencoded';
          return {
            image: await drawn,
            read: await fetched({}),
            posted: await fetched({ method: 'POST', headers: { 'content-type': form }, body: 'code=x&state=guess' }),
            'asked for leave': await fetched({ method: 'POST', headers: { 'x-evil': '1' }, body: 'x' }),
            blind: await fetched({ method: 'POST', mode: 'no-cors', body: 'code=x&state=guess' }),
          };
        }, address);
        // What is opaque was sent, and its answer is kept from the page.
        this.checks.equal('another site’s page reads nothing', JSON.stringify(await tries(forged)), '{"image":"nothing","read":"nothing","posted":"nothing","asked for leave":"nothing","blind":"opaque"}');
        await page.evaluate((url) => {
          const frame = document.createElement('iframe');
          frame.name = 'frame';
          frame.src = url;
          const loaded = new Promise((resolve) => { frame.onload = resolve; });
          document.body.append(frame);
          return loaded;
        }, forged);
        // The refusal's page is another process's, and while the one makes room for the other the frame may have no name.
        let frame = page.frame('frame');
        for (let tries = 0; !frame && tries < 100; tries += 1) {
          await page.waitForTimeout(50);
          frame = page.frame('frame');
        }
        this.checks.equal('nor puts it into a frame', await frame.locator('h1').filter({ hasText: 'sign-in' }).count(), 0);
        const [answer] = await Promise.all([
          page.waitForResponse((response) => response.url() === back && response.request().isNavigationRequest()),
          page.evaluate(() => document.getElementById('form').submit()),
        ]);
        this.checks.equal('its form is refused', answer.status(), 400);
        await page.waitForURL(back);
        this.checks.equal('and the person told that it was nothing', await page.locator('h1').textContent(), 'Not this sign-in');
      });
    } finally {
      await context.close();
    }
  }

  // Another user of the machine can read the page's address, and the state with it, from the browser's command line.
  async asAnotherUser({ port, state }) {
    if (process.getuid() !== 0) {
      console.log(`SKIP ${this.checks.suite}: only root can be another user.`);
      return;
    }
    for (const host of ['127.0.0.1', '[::1]']) {
      const request = ['--silent', '--max-time', '5', '--header', `Host: localhost:${port}`, `http://${host}:${port}/?error=access_denied&state=${state}`];
      const status = await new Promise((resolve) => {
        execFile('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', 'curl', ...request], (error) => resolve(error?.code ?? 0));
      });
      // What curl says of an empty answer, and of a connection that was reset.
      this.checks.say(`another user’s program is sent away at ${host}, even with the state`, [52, 56].includes(status), `curl: ${status}`);
    }
  }

  // Connections that say half a request, or nothing, and stay.
  async keepBusy({ port }) {
    const idle = [];
    for (let n = 0; n < 200; n += 1) {
      const socket = net.connect(port, n % 2 ? '127.0.0.1' : '::1');
      socket.on('error', () => {});
      await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
      if (n % 3) socket.write(`POST / HTTP/1.1\r\nHost: localhost:${port}\r\n${n % 3 === 1 ? '' : 'Content-Length: 1000\r\n\r\ncode='}`);
      idle.push(socket);
    }
    return () => idle.forEach((socket) => socket.destroy());
  }

  // While the first answer is being redeemed a second one comes, with the right state.
  async answerTwice() {
    const { simulator } = this.party;
    await simulator.control('faults', [{ leg: 'code', actions: [{ kind: 'delay', ms: 2000 }] }]);
    const login = new Login(this.options, '--browser');
    const shown = await login.page();
    remember(this.options.seen, shown.state);
    const codes = await simulator.count('code');
    const context = await this.windowFor();
    const page = await context.newPage();
    await page.goto(shown.url);
    const [request] = await Promise.all([
      page.waitForRequest((asked) => asked.url() === shown.back && asked.method() === 'POST'),
      this.party.signIn(page, this.party.ada),
    ]);
    while (await simulator.count('code') === codes) await page.waitForTimeout(20);
    const again = await knock(shown.back, { method: 'POST', headers: { 'content-type': FORM }, body: request.postData() }).catch((error) => error.code);
    this.checks.equal('a second answer finds nobody', again, 'ECONNREFUSED');
    this.checks.equal('the first one is taken', (await login.end()).event, 'signed_in');
    await page.getByRole('heading', { name: 'Signed in' }).waitFor();
    this.checks.equal('and one code was redeemed', await simulator.count('code') - codes, 1);
    await context.close();
  }
}
