// Asks Microsoft's and Anthropic's libraries for Node, as a program does: one line of standard input a question.
//
// A line is `KIND SCOPE`; each answer is one JSON line with the milliseconds that the library took. KIND `model` asks a model
// of Foundry at ANTHROPIC_FOUNDRY_BASE_URL three times, and every other a credential.

import { createInterface } from 'node:readline';
import { AnthropicFoundry } from '@anthropic-ai/foundry-sdk';
import {
  AzureCliCredential,
  AzureDeveloperCliCredential,
  DefaultAzureCredential,
  ManagedIdentityCredential,
  getBearerTokenProvider,
} from '@azure/identity';

const CREDENTIALS = {
  mi: ManagedIdentityCredential,
  dac: DefaultAzureCredential,
  az: AzureCliCredential,
  azd: AzureDeveloperCliCredential,
};

async function ask(kind, scope) {
  if (kind === 'model') return { text: await model(scope) };
  const token = await new CREDENTIALS[kind]().getToken(scope);
  return { token: token.token, left: Math.round((token.expiresOnTimestamp - Date.now()) / 1000) };
}

async function model(scope) {
  const azureADTokenProvider = getBearerTokenProvider(new DefaultAzureCredential(), scope);
  const client = new AnthropicFoundry({ azureADTokenProvider, maxRetries: 0 });
  const question = { model: 'a-model', max_tokens: 16, messages: [{ role: 'user', content: 'hello' }] };
  let message;
  for (let n = 0; n < 3; n++) message = await client.messages.create(question);
  return message.content[0].text;
}

for await (const line of createInterface({ input: process.stdin })) {
  const [kind, scope] = line.split(' ');
  const begun = performance.now();
  let answer;
  try {
    answer = { ok: true, ...(await ask(kind, scope)) };
  } catch (error) {
    answer = { ok: false, error: `${error.name}: ${error.message}` };
  }
  const ms = Math.round((performance.now() - begun) * 100) / 100;
  console.log(JSON.stringify({ sdk: 'node', kind, scope, ...answer, ms }));
}
