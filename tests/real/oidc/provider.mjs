// oidc-provider at Entra's paths, on loopback: its own endpoints, pages and rules, only laid out differently.
//
// node provider.mjs --store FILE [--port N] [--cert FILE --key FILE] [--words rfc|entra]
// Says `READY ORIGIN` when it serves; stops on SIGTERM and keeps its state in FILE. What a test may do besides:
//   GET  /_test/requests   the token requests so far, with the refresh token each one brought and got
//   GET  /_test/pages      what the authorization pages were asked with
//   POST /_test/rules      {"accessTokenLife": S, "codeLife": S, "losesNextAnswer": true, "answersByQuery": true}
//   POST /_test/revoke     {"account": NAME}: ends everything that NAME ever granted

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { once } from 'node:events';
import { parseArgs } from 'node:util';

import Provider from 'oidc-provider';

import { Store } from './store.mjs';
import { inEntrasWords } from './words.mjs';

const TENANT = 'a1b2c3d4-0000-4000-8000-00000000e57a';
const CLIENT = 'c0ffee00-0000-4000-8000-00000000c11e';
const RESOURCES = ['https://graph.microsoft.com', 'api://ledger', 'api://mail', 'api://files'];
const OPENID_SCOPES = ['openid', 'profile', 'offline_access'];

const { values: options } = parseArgs({
  options: {
    store: { type: 'string' },
    port: { type: 'string', default: '0' },
    cert: { type: 'string' },
    key: { type: 'string' },
    words: { type: 'string', default: 'rfc' },
  },
});
const store = new Store(options.store);
const rules = { accessTokenLife: 3600, codeLife: 900, losesNextAnswer: false, answersByQuery: false };
const requests = [];
const pages = [];

// Entra names the resource by the scope; the standard has a parameter for it (RFC 8707).
const defaultScope = (resource) => `${resource}/.default`;
const resourceOf = (ctx) => RESOURCES.find((resource) => ctx.oidc.params.scope?.split(' ').includes(defaultScope(resource)));

// At sign-in: `.default` asks for all that the app registration lists, of whatever resource. For a token: the
// resource that the scope names, among those granted; the first for the poll, which names none.
function resourceFor(ctx, client, granted) {
  if (granted) return resourceOf(ctx) ?? granted[0];
  if (['authorization', 'device_authorization'].includes(ctx.oidc.route) && resourceOf(ctx)) {
    ctx.oidc.params.scope = [...OPENID_SCOPES, ...RESOURCES.map(defaultScope)].join(' ');
    return RESOURCES;
  }
  return undefined;
}

function account(ctx, id) {
  const claims = { sub: id, oid: `object-of-${id}`, tid: TENANT, name: id, preferred_username: `${id}@contoso.example` };
  return { accountId: id, claims: async () => claims };
}

function configuration() {
  const key = store.once('key', () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }));
  const at = (leaf) => `/${TENANT}/oauth2/v2.0/${leaf}`;
  return {
    adapter: store.adapter,
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256' }] },
    cookies: { keys: [store.once('cookies', () => randomBytes(32).toString('hex'))] },
    clients: [{
      client_id: CLIENT,
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'authorization_code', 'refresh_token'],
      // Of a native application any port of loopback is taken for this (RFC 8252 section 7.3).
      redirect_uris: ['http://localhost'],
      response_types: ['code'],
    }],
    scopes: OPENID_SCOPES,
    claims: { openid: ['sub', 'oid', 'tid'], profile: ['name', 'preferred_username'] },
    conformIdTokenClaims: false,
    findAccount: account,
    features: {
      devInteractions: { enabled: true },
      deviceFlow: { enabled: true, mask: '*********' },
      resourceIndicators: {
        enabled: true,
        defaultResource: resourceFor,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource) => ({
          scope: defaultScope(resource),
          audience: resource,
          accessTokenTTL: rules.accessTokenLife,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    issueRefreshToken: () => true,
    // A refresh token is good once; its second use revokes all that came of the sign-in (RFC 9700 section 4.14.2).
    rotateRefreshToken: () => true,
    ttl: { DeviceCode: () => rules.codeLife, RefreshToken: 86400, IdToken: 3600, Grant: 86400, Session: 3600, Interaction: 900 },
    routes: {
      authorization: at('authorize'),
      device_authorization: at('devicecode'),
      token: at('token'),
      end_session: at('logout'),
      jwks: `/${TENANT}/discovery/v2.0/keys`,
      code_verification: '/devicelogin',
    },
  };
}

// What Entra's page takes and oidc-provider's does not: that a person choose the account is the login page here.
function asPageOfEntra(ctx) {
  pages.push({ ...ctx.query });
  const query = { ...ctx.query };
  if (query.prompt === 'select_account') query.prompt = 'login';
  if (rules.answersByQuery) delete query.response_mode;
  ctx.query = query;
}

// Around oidc-provider: its discovery at Entra's path, Entra's words, and a record of what was asked.
async function around(ctx, next) {
  if (ctx.path === `/${TENANT}/v2.0/.well-known/openid-configuration`) ctx.path = '/.well-known/openid-configuration';
  if (ctx.path.endsWith('/oauth2/v2.0/authorize')) asPageOfEntra(ctx);
  await next();
  if (ctx.path.endsWith('/oauth2/v2.0/token')) {
    const { grant_type: grant, refresh_token: brought, scope } = ctx.oidc?.params ?? {};
    requests.push({ grant, scope, brought, got: ctx.body?.refresh_token, status: ctx.status, error: ctx.body?.error_description });
    if (rules.losesNextAnswer && ctx.status === 200) {
      rules.losesNextAnswer = false;
      ctx.respond = false;
      ctx.req.socket.destroy();
      return;
    }
  }
  if (options.words === 'entra' && ctx.path.includes('/oauth2/v2.0/') && ctx.body?.constructor === Object) {
    ctx.body = inEntrasWords(ctx.path, ctx.body, { tenant: TENANT, interval: 1 });
  }
}

async function control(request, response) {
  let text = '';
  for await (const chunk of request) text += chunk;
  const body = text ? JSON.parse(text) : {};
  const answers = {
    'GET /_test/requests': () => requests,
    'GET /_test/pages': () => pages,
    'POST /_test/rules': () => Object.assign(rules, body),
    'POST /_test/revoke': () => ({ revoked: store.revoke(body.account) }),
  };
  const answer = answers[`${request.method} ${request.url}`];
  response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
  response.end(JSON.stringify(answer ? answer() : {}));
}

// Standard output is for one line; whoever reads it may go after that.
console.info = console.error;
const server = options.cert
  ? https.createServer({ cert: readFileSync(options.cert), key: readFileSync(options.key) })
  : http.createServer();
server.listen(Number(options.port), '127.0.0.1');
await once(server, 'listening');
const origin = options.cert ? `https://localhost:${server.address().port}` : `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(`${origin}/${TENANT}/v2.0`, configuration());
provider.use(around);
provider.on('server_error', (ctx, error) => console.error(error));
const oidc = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/_test/')) return oidc(request, response);
  return control(request, response).catch((error) => response.destroy(error));
});
process.on('SIGTERM', () => {
  store.save();
  process.exit(0);
});
console.log(`READY ${origin}`);
