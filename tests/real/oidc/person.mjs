// A person with a browser: types the code on oidc-provider's page, and signs in and consents, or says no.
//
// node person.mjs approve|decline PAGE CODE NAME
// Follows the pages by their own forms and redirects, and says on standard error where it got lost.

import { parseArgs } from 'node:util';

const { positionals: [will, page, code, name] } = parseArgs({ allowPositionals: true });
const cookies = new Map();

// One request as a browser makes it, redirects followed.
async function visit(url, form) {
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      headers: { accept: 'text/html', cookie: [...cookies].map(([key, value]) => `${key}=${value}`).join('; ') },
      redirect: 'manual',
      signal: AbortSignal.timeout(10_000),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) cookies.set(key, value);
      else cookies.delete(key);
    }
    const text = await response.text();
    const next = response.headers.get('location');
    if (!next) return { url, text, status: response.status };
    url = new URL(next, url).href;
    form = undefined;
  }
  throw new Error(`Too many redirects, the last to ${url}.`);
}

// The page's form with its own fields, and what the person fills in.
async function submit(here, filled) {
  const action = /<form[^>]* action="([^"]*)"/.exec(here.text)?.[1];
  if (!action) throw new Error(`${here.url} (HTTP ${here.status}) has no form: ${here.text.replace(/<[^>]*>|\s+/g, ' ').slice(0, 300)}`);
  const fields = [...here.text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
    /name="([^"]*)"/.exec(input)[1],
    /value="([^"]*)"/.exec(input)[1],
  ]);
  return visit(new URL(action, here.url).href, { ...Object.fromEntries(fields), ...filled });
}

// The notice on a page that could not go on.
const notice = (here) => /<p class="red">([^<]*)/.exec(here.text)?.[1];
const heading = (here) => /<h1>([^<]*)/.exec(here.text)?.[1];

async function go(steps) {
  let here = await visit(page);
  for (const filled of steps) {
    if (notice(here)) throw new Error(`${here.url} says: ${notice(here)}`);
    here = await submit(here, filled);
  }
  return here;
}

const signIn = [{ user_code: code }, {}, { login: name, password: 'correct horse battery staple' }, {}];
const end = await go(will === 'decline' ? [{ user_code: code }, { abort: 'yes' }] : signIn);
const said = will === 'decline' ? notice(end) : heading(end);
if (said !== (will === 'decline' ? 'The Sign-in request was interrupted' : 'Sign-in Success')) {
  throw new Error(`${end.url} says: ${said ?? end.text.slice(0, 300)}`);
}
