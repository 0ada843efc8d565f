// Who is logged in, for all views: the session of this browser and the client that belongs to it.

import { createContext, use, useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { ChatClient } from "../client/chat_client";
import { Api, refreshTokens } from "../session/api";
import { Credentials, tabLock, TOKENS_KEY } from "../session/credentials";
import { PictureContext } from "../ui/pictures";

interface Session {
  readonly api: Api;
  /** Null while nobody is logged in. */
  readonly client: ChatClient | null;
  /** Why the last session ended, for people. */
  readonly ended: string | null;
  /** Begin with the tokens that `api.logIn` has kept. */
  begin(): void;
  logOut(): Promise<void>;
  /** The session is over on the server, for the reason given: forget what is kept of the user. */
  leave(reason: string): void;
}

const SESSION_ENDED =
  "You were logged out: this session was ended on another of your devices, or has expired.";

const SessionContext = createContext<Session | null>(null);
const ClientContext = createContext<ChatClient | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const api = useMemo(
    () => new Api(new Credentials(localStorage, refreshTokens, tabLock(TOKENS_KEY))),
    [],
  );
  const [userId, setUserId] = useState(() => api.credentials.current?.userId ?? null);
  const [client, setClient] = useState<ChatClient | null>(null);
  const [ended, setEnded] = useState<string | null>(null);

  useEffect(() => {
    if (userId === null) return;
    const started = new ChatClient(api, userId, localStorage, () => {
      api.credentials.forget();
      setEnded(SESSION_ENDED);
      setUserId(null);
    });
    started.start();
    setClient(started);
    return () => {
      started.stop();
      setClient(null);
    };
  }, [api, userId]);

  useEffect(() => {
    // Another tab has logged in or out.
    const follow = (event: StorageEvent) => {
      if (event.key === TOKENS_KEY || event.key === null) {
        setUserId(api.credentials.current?.userId ?? null);
      }
    };
    window.addEventListener("storage", follow);
    return () => window.removeEventListener("storage", follow);
  }, [api]);

  const begin = useCallback(() => {
    setEnded(null);
    setUserId(api.credentials.current?.userId ?? null);
  }, [api]);

  const logOut = useCallback(async () => {
    try {
      await client?.logOut();
    } finally {
      setUserId(null);
    }
  }, [client]);

  const leave = useCallback(
    (reason: string) => {
      client?.forget();
      setEnded(reason);
      setUserId(null);
    },
    [client],
  );

  const session = useMemo(
    () => ({ api, client: userId === null ? null : client, ended, begin, logOut, leave }),
    [api, client, userId, ended, begin, logOut, leave],
  );
  return (
    <SessionContext value={session}>
      <ClientContext value={session.client}>
        <PictureContext value={session.client?.pictures ?? null}>{children}</PictureContext>
      </ClientContext>
    </SessionContext>
  );
}

export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new Error("there is no SessionProvider");
  return session;
}

/** Return the client of who is logged in; for views inside the app shell only. */
export function useClient(): ChatClient {
  const client = use(ClientContext);
  if (client === null) throw new Error("nobody is logged in");
  return client;
}

/** For tests of views: a client without a session around it. */
export function ClientProvider({ client, children }: { client: ChatClient; children: ReactNode }) {
  return <ClientContext value={client}>{children}</ClientContext>;
}
