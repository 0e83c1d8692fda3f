// What others try: another name, another address, a page of theirs in the person's browser.

import { knock, onAnotherSite } from './person.mjs';

export class Attacks {
  constructor(browser, checks, simulator) {
    Object.assign(this, { browser, checks, simulator });
  }

  async tryAll(opened) {
    await this.simulator.control('requests', undefined, 'DELETE');
    const url = await opened();
    await this.fromAnywhere(url);
    await this.fromAnotherPage(url);
    this.checks.equal('nobody’s attack began a sign-in', await this.simulator.count('devicecode'), 0);
  }

  // Programs of other users, who know the port.
  async fromAnywhere(url) {
    const { host, origin, port } = new URL(url);
    const other = url.slice(0, -1) + (url.endsWith('A') ? 'B' : 'A');
    const attempts = {
      'a wrong token': [other],
      'half a token': [url.slice(0, -20)],
      'no path': [`${origin}/`],
      'an icon': [`${origin}/favicon.ico`],
      'more path': [`${url}/state`],
      'another name for this machine': [url, { headers: { host: `localhost:${port}` } }],
      'a name that was bound anew': [url, { headers: { host: `evil.example:${port}` } }],
      'a foreign origin': [url, { headers: { host, origin: 'https://evil.example' } }],
      'a foreign referer': [url, { headers: { host, referer: 'https://evil.example/' } }],
      'a form of nobody': [url, { method: 'POST', headers: { host }, body: 'do=begin' }],
      'a form of another page': [url, { method: 'POST', headers: { host, origin: 'null', 'sec-fetch-site': 'cross-site' }, body: 'do=begin' }],
      'another method': [url, { method: 'DELETE', headers: { host, origin } }],
    };
    const answers = new Set();
    for (const [name, [address, request]] of Object.entries(attempts)) {
      const { status, headers, text } = await knock(address, request);
      answers.add(text);
      this.checks.say(`${name} is refused`, status === 403 && headers['content-security-policy']?.startsWith("default-src 'none'"), `${status} ${text}`);
    }
    this.checks.equal('all of them alike', answers.size, 1);
    const { status, headers } = await knock(url);
    this.checks.say('the right address is let in all the same', status === 200 && headers['referrer-policy'] === 'no-referrer' && headers['cache-control'] === 'no-store', status);
  }

  // A page of somebody else's in the person's browser, which has even found out the address.
  async fromAnotherPage(url) {
    const document = `<!doctype html><title>evil</title><form id=form method=post action="${url}"><input name=do value=begin></form>
        <a id=link href="${url}">x</a><iframe name=frame src="${url}"></iframe>`;
    await onAnotherSite(document, (evil) => this.fromSite(evil, url));
  }

  async fromSite(evil, url) {
    const context = await this.browser.newContext();
    try {
      const page = await context.newPage();
      await page.goto(evil);
      const frame = page.frame('frame');
      await frame.waitForLoadState().catch(() => {});
      this.checks.equal('no page can put it into a frame', await frame.locator('button').count(), 0);
      const fetched = await page.evaluate((address) => fetch(address).then((answer) => answer.text(), () => 'nothing'), url);
      this.checks.equal('no page’s script can read it', fetched, 'nothing');
      const listened = await page.evaluate((address) => new Promise((resolve) => {
        const events = new EventSource(address);
        events.onmessage = ({ data }) => resolve(data);
        events.onerror = () => { events.close(); resolve('nothing'); };
      }), `${url}/events`);
      this.checks.equal('or listen to it', listened, 'nothing');
      const acts = {
        'no page’s form can begin a sign-in': () => document.getElementById('form').submit(),
        'no page’s link leads to it': () => document.getElementById('link').click(),
      };
      for (const [name, act] of Object.entries(acts)) {
        // A tab of its own: what one of them loads would get in the next one's way.
        const tab = await context.newPage();
        await tab.goto(evil);
        const isOurs = (response) => response.url() === url && response.request().frame() === tab.mainFrame();
        const [answer] = await Promise.all([tab.waitForResponse(isOurs), tab.evaluate(act)]);
        this.checks.equal(name, answer.status(), 403);
      }
    } finally {
      await context.close();
    }
  }
}
