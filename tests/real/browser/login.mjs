// `entra` as a person runs it at this workstation, and what a program can read of it.

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const LONG = 30_000;

// Runs `entra` to its end.
export function entra(options, ...words) {
  return new Promise((resolve) => {
    execFile(options.entra, [...words, '--socket', options.socket], { timeout: LONG }, (error, out, err) => {
      resolve({ status: error ? error.code : 0, out, err });
    });
  });
}

// A sign-in that is under way.
export class Login {
  constructor(options, ...words) {
    this.child = spawn(options.entra, ['login', '--json', ...words, '--socket', options.socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    this.ended = once(this.child, 'close');
    this.limit = setTimeout(() => this.child.kill('SIGKILL'), 2 * LONG);
  }

  // The page that a browser is to be sent to, in parts.
  async page() {
    for (;;) {
      const event = await this.#next();
      if (event.event === 'authorization') {
        const url = new URL(event.url);
        const back = new URL(url.searchParams.get('redirect_uri'));
        return { ...event, asked: url.searchParams, state: url.searchParams.get('state'), port: back.port, back: back.href };
      }
      if (event.event === 'failed') throw new Error(`no page: ${JSON.stringify(event)}`);
    }
  }

  // The last event, and the exit status.
  async end() {
    let last = {};
    try {
      for (;;) last = await this.#next();
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
    }
    const [status] = await this.ended;
    clearTimeout(this.limit);
    return { ...last, status };
  }

  // Ends it as Ctrl-C does.
  stop() {
    this.child.kill('SIGINT');
    return this.end();
  }

  async #next() {
    const { value, done } = await this.lines.next();
    if (done) throw new Ended('entra login has ended');
    return JSON.parse(value);
  }
}

class Ended extends Error {}
