// Pictures of people, which need the access token: fetched once, shown from memory.

import type { Api } from "../session/api";

interface Held {
  url: string | undefined;
  users: number;
  readonly listeners: Set<() => void>;
}

const MAX_UNUSED = 200;
const AGAIN_AFTER_MS = 30_000;

export class Pictures {
  private readonly held = new Map<string, Held>();
  private readonly api: Pick<Api, "picture">;
  private isStopped = false;

  constructor(api: Pick<Api, "picture">) {
    this.api = api;
  }

  get(address: string): string | undefined {
    return this.held.get(address)?.url;
  }

  use(address: string, listener: () => void): () => void {
    let held = this.held.get(address);
    if (held === undefined) {
      held = { url: undefined, users: 0, listeners: new Set() };
      void this.fetch(address, held);
    }
    const picture = held;
    picture.users += 1;
    picture.listeners.add(listener);
    // The last used are at the end.
    this.held.delete(address);
    this.held.set(address, picture);
    return () => {
      picture.users -= 1;
      picture.listeners.delete(listener);
      this.forgetSome();
    };
  }

  stop(): void {
    this.isStopped = true;
    for (const { url } of this.held.values()) if (url !== undefined) URL.revokeObjectURL(url);
    this.held.clear();
  }

  private async fetch(address: string, held: Held): Promise<void> {
    try {
      const picture = await this.api.picture(address);
      if (this.isStopped) return;
      held.url = URL.createObjectURL(picture);
      for (const listener of held.listeners) listener();
    } catch {
      // The first letter is shown meanwhile.
      setTimeout(() => {
        if (this.held.get(address) === held && held.users > 0) void this.fetch(address, held);
        else if (this.held.get(address) === held) this.held.delete(address);
      }, AGAIN_AFTER_MS);
    }
  }

  private forgetSome(): void {
    const unused = [...this.held].filter(([, { users, url }]) => users === 0 && url !== undefined);
    for (const [address, { url }] of unused.slice(0, Math.max(0, unused.length - MAX_UNUSED))) {
      if (url !== undefined) URL.revokeObjectURL(url);
      this.held.delete(address);
    }
  }
}
