// Judges the simulator with MSAL Node: ORIGIN. The CA comes by NODE_EXTRA_CA_CERTS.

const { PublicClientApplication } = require('@azure/msal-node');

const TENANT = '99999999-8888-7777-6666-555555555555';
const CLIENT = '00000000-0000-0000-0000-00000000c11e';
const UNKNOWN_CLIENT = '00000000-0000-0000-0000-000000000bad';
const ADA = 'ada@example.com';
const SCOPES = ['User.Read'];
const VAULT = ['https://vault.azure.net/.default'];

const origin = process.argv[2];
let failures = 0;

function check(name, passed, note) {
  failures += passed ? 0 : 1;
  console.log(`${passed ? 'PASS' : 'FAIL'} ${name}${passed || note === undefined ? '' : `: ${note}`}`);
}

async function control(method, path, body) {
  const answer = await fetch(`${origin}/_sim/${path}`, { method, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
  return answer.json();
}

function application(clientId = CLIENT) {
  const auth = { clientId, authority: `${origin}/${TENANT}`, knownAuthorities: [new URL(origin).host] };
  return new PublicClientApplication({ auth });
}

function byDeviceCode(app, answer) {
  const deviceCodeCallback = (code) => answer({ user_code: code.userCode });
  return app.acquireTokenByDeviceCode({ scopes: SCOPES, timeout: 30, deviceCodeCallback });
}

const approve = ({ user_code }) => control('POST', 'approve', { user_code, user: ADA });
const decline = ({ user_code }) => control('POST', 'decline', { user_code });

const ENTITIES = { '&quot;': '"', '&#39;': "'", '&lt;': '<', '&gt;': '>', '&amp;': '&' };
const unescape = (text) => text.replace(/&quot;|&#39;|&lt;|&gt;|&amp;/g, (entity) => ENTITIES[entity]);

function hiddenFields(page) {
  const fields = page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return [...fields].map(([, name, value]) => [unescape(name), unescape(value)]);
}

// What a person in a browser does: open the page, press the button, be sent back.
async function press(url) {
  const page = await (await fetch(url)).text();
  const form = new URLSearchParams();
  for (const [name, value] of hiddenFields(page)) form.append(name, value);
  form.append('sim_user', ADA);
  const address = new URL(url);
  address.search = '';
  const answer = await fetch(address, { method: 'POST', body: form, redirect: 'manual' });
  const location = answer.headers.get('location');
  if (location) return fetch(location);
  const body = new URLSearchParams();
  const last = await answer.text();
  for (const [name, value] of hiddenFields(last)) body.append(name, value);
  return fetch(unescape(last.match(/action="([^"]*)"/)[1]), { method: 'POST', body });
}

async function refusal(promise) {
  try {
    await promise;
    return 'no refusal';
  } catch (error) {
    return `${error.errorCode} ${error.errorNo ?? ''} ${error.errorMessage}`;
  }
}

async function main() {
  const app = application();
  const first = await byDeviceCode(app, approve);
  check('device code sign-in', first.tokenType === 'Bearer' && first.account.username === ADA, first.account?.username);
  check('home account', first.account.homeAccountId === `${first.idTokenClaims.oid}.${TENANT}`, first.account.homeAccountId);
  const cached = await app.acquireTokenSilent({ account: first.account, scopes: SCOPES });
  check('silent from cache', cached.fromCache && cached.accessToken === first.accessToken);
  await control('POST', 'options', { strict_rotation: true });
  const second = await app.acquireTokenSilent({ account: first.account, scopes: SCOPES, forceRefresh: true });
  check('forced refresh', !second.fromCache && second.accessToken !== first.accessToken);
  const third = await app.acquireTokenSilent({ account: first.account, scopes: SCOPES, forceRefresh: true });
  check('strict rotation', !third.fromCache && third.accessToken !== second.accessToken);
  const sent = (await control('GET', 'requests?leg=refresh')).map((request) => request.form.refresh_token);
  check('rotated refresh token was stored', new Set(sent).size === 2, sent);
  const vault = await app.acquireTokenSilent({ account: first.account, scopes: VAULT });
  check('another resource by the same refresh token', vault.scopes.includes(VAULT[0]), vault.scopes);

  const declined = await refusal(byDeviceCode(application(), decline));
  check('declined', declined.includes('authorization_declined'), declined);
  // MSAL Node does not look at the status of this leg: it learns from its first poll.
  const unknown = await refusal(byDeviceCode(application(UNKNOWN_CLIENT), () => {}));
  check('unknown client', unknown.includes('unauthorized_client'), unknown);
  await control('POST', 'revoke', { all: true });
  const revoked = await refusal(app.acquireTokenSilent({ account: first.account, scopes: SCOPES, forceRefresh: true }));
  check('revoked', revoked.includes('invalid_grant') && revoked.includes('50173'), revoked);

  const interactive = await application().acquireTokenInteractive({ scopes: SCOPES, openBrowser: press });
  check('authorization code by MSAL’s own listener', interactive.account.username === ADA);
}

main()
  .catch((error) => check('no exception', false, error.stack))
  .finally(() => process.exit(failures ? 1 : 0));
