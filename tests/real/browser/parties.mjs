// The parties that sign people in: what a person does on their pages, and what they say they were asked.

import { Simulator } from './person.mjs';

// The simulator's account picker.
export class Simulated {
  name = 'entra-sim';
  ada = 'ada@example.com';
  bob = 'bob@example.com';

  constructor(origin) {
    this.origin = origin;
    this.simulator = new Simulator(origin);
  }

  async signIn(page, who) {
    await page.getByRole('button', { name: who }).click();
  }

  async decline(page) {
    await page.getByRole('button', { name: 'Decline' }).click();
  }

  // The account that the page offers before anything is pressed.
  offered(page) {
    return page.locator('button[autofocus]').getAttribute('value');
  }

  // What the last page was asked with, and the last form that redeemed its code.
  async lastPage() {
    return (await this.simulator.control('requests?leg=authorize')).filter(({ method }) => method === 'GET').at(-1).query;
  }

  async lastForm() {
    return (await this.simulator.control('requests?leg=code')).at(-1).form;
  }
}

// oidc-provider's pages for a name, a password and consent.
export class Provider {
  name = 'oidc-provider';
  ada = 'ada@contoso.example';
  bob = 'bob@contoso.example';

  constructor(origin) {
    this.origin = origin;
  }

  async signIn(page, who) {
    await this.giveName(page, who);
    await page.getByRole('heading', { name: 'Authorize' }).waitFor();
    await page.getByRole('button', { name: 'Continue' }).click();
  }

  async giveName(page, who) {
    // Here a name is an account's id as well, which has no domain.
    await page.locator('[name=login]').fill(who.split('@')[0]);
    await page.locator('[name=password]').fill('correct horse battery staple');
    await page.getByRole('button', { name: 'Sign-in' }).click();
  }

  async decline(page) {
    await page.getByRole('link', { name: 'Cancel' }).click();
  }

  // Only after the name was given: what is refused is the consent.
  async declineConsent(page, who) {
    await this.giveName(page, who);
    await page.getByRole('heading', { name: 'Authorize' }).waitFor();
    await this.decline(page);
  }

  offered(page) {
    return page.locator('[name=login]').inputValue();
  }

  async lastPage() {
    return (await this.#test('pages')).at(-1);
  }

  answersByQuery(answersByQuery) {
    return this.#test('rules', { answersByQuery });
  }

  async #test(path, body) {
    const response = await fetch(`${this.origin}/_test/${path}`, {
      method: body ? 'POST' : 'GET',
      body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    return response.json();
  }
}
