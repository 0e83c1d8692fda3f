// Where oidc-provider keeps its sessions, codes and tokens: in memory, and in a file while the provider is down,
// so that an outage of the provider is just that.

import { readFileSync, renameSync, writeFileSync } from 'node:fs';

export class Store {
  #file;
  #rows = new Map();

  constructor(file) {
    this.#file = file;
    try {
      this.#rows = new Map(JSON.parse(readFileSync(file, 'utf8')));
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
    }
  }

  save() {
    writeFileSync(`${this.#file}.new`, JSON.stringify([...this.#rows]), { mode: 0o600 });
    renameSync(`${this.#file}.new`, this.#file);
  }

  // A value that is made once and then kept.
  once(name, make) {
    const key = `once:${name}`;
    if (!this.#rows.has(key)) this.#rows.set(key, { payload: make() });
    return this.#rows.get(key).payload;
  }

  // What an administrator does who ends all sessions of a person. Returns how many there were.
  revoke(accountId) {
    const grants = [...this.#rows].filter(([key, { payload }]) => key.startsWith('Grant:') && payload.accountId === accountId);
    for (const [key, { payload }] of grants) {
      this.#rows.delete(key);
      this.#deleteWhere((other) => other.grantId === payload.jti);
    }
    return grants.length;
  }

  // The adapter that oidc-provider asks for, one for each kind of record.
  adapter = (kind) => {
    const key = (id) => `${kind}:${id}`;
    const where = (fits) => this.#find((found, row) => found.startsWith(`${kind}:`) && fits(row.payload));
    return {
      upsert: async (id, payload, expiresIn) => {
        const expiresAt = expiresIn ? Date.now() + expiresIn * 1000 : Infinity;
        // JSON has no infinity.
        this.#rows.set(key(id), { payload, expiresAt: Number.isFinite(expiresAt) ? expiresAt : undefined });
      },
      find: async (id) => this.#find((found) => found === key(id)),
      findByUid: async (uid) => where((payload) => payload.uid === uid),
      findByUserCode: async (userCode) => where((payload) => payload.userCode === userCode),
      consume: async (id) => {
        this.#rows.get(key(id)).payload.consumed = Math.floor(Date.now() / 1000);
      },
      destroy: async (id) => {
        this.#rows.delete(key(id));
      },
      revokeByGrantId: async (grantId) => this.#deleteWhere((payload) => payload.grantId === grantId),
    };
  };

  #find(fits) {
    for (const [key, row] of this.#rows) {
      if (fits(key, row) && !(row.expiresAt < Date.now())) return row.payload;
    }
    return undefined;
  }

  #deleteWhere(fits) {
    for (const [key, { payload }] of this.#rows) {
      if (fits(payload)) this.#rows.delete(key);
    }
  }
}
