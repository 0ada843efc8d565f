// Who is logged in, for all views: the session of this browser and the client that belongs to it.

import {
  createContext,
  lazy,
  use,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type ReactNode,
} from "react";
import { navigate } from "wouter/use-browser-location";
import { ChatClient } from "../client/chat_client";
import { Api, refreshTokens } from "../session/api";
import { Credentials, tabLock, TOKENS_KEY } from "../session/credentials";
import { DialogBoundary } from "../ui/DialogBoundary";
import { PictureContext } from "../ui/pictures";
import { PATHS } from "./routes";

const LogOutDialog = lazy(() => import("./LogOutDialog"));

interface Session {
  readonly api: Api;
  /** Null while nobody is logged in. */
  readonly client: ChatClient | null;
  /** Why the last session ended, for people. */
  readonly ended: string | null;
  /** Begin with the tokens that `api.logIn` has kept. */
  begin(): void;
  /** Log out; asks first if text would be thrown away. */
  logOut(): Promise<void>;
  /** The session is over on the server, for the reason given: forget what is kept of the user. */
  leave(reason: string): void;
}

const SESSION_ENDED =
  "You were logged out. This session has expired, or you ended it on another device.";

const SessionContext = createContext<Session | null>(null);
const ClientContext = createContext<ChatClient | null>(null);

export function SessionProvider({ children }: { children: ReactNode }) {
  const api = useMemo(
    () => new Api(new Credentials(localStorage, refreshTokens, tabLock(TOKENS_KEY))),
    [],
  );
  const [sessionId, setSessionId] = useState(() => api.credentials.current?.sessionId ?? null);
  const [client, setClient] = useState<ChatClient | null>(null);
  const [ended, setEnded] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const lastUserId = useRef<string | null>(null);

  useEffect(() => {
    const user = api.credentials.current;
    if (sessionId === null || user === null) return;
    // Somebody else has no business where the last one was.
    if (lastUserId.current !== null && lastUserId.current !== user.userId) goHome();
    lastUserId.current = user.userId;
    const started = new ChatClient(api, user.userId, localStorage, sessionStorage, () => {
      api.credentials.forget(sessionId);
      setEnded(SESSION_ENDED);
      setSessionId(api.credentials.current?.sessionId ?? null);
    });
    started.start();
    setClient(started);
    return () => {
      started.stop();
      setClient(null);
    };
  }, [api, sessionId]);

  useEffect(() => {
    // Another tab has logged in or out.
    const follow = (event: StorageEvent) => {
      if (event.key !== TOKENS_KEY && event.key !== null) return;
      const now = api.credentials.current?.sessionId ?? null;
      if (now === null) {
        client?.drafts.clearIfOthersDid();
        goHome();
      }
      setSessionId(now);
    };
    window.addEventListener("storage", follow);
    return () => window.removeEventListener("storage", follow);
  }, [api, client]);

  const begin = useCallback(() => {
    setEnded(null);
    setSessionId(api.credentials.current?.sessionId ?? null);
  }, [api]);

  const logOutNow = useCallback(async () => {
    setAsking(false);
    try {
      await client?.logOut();
    } finally {
      goHome();
      setSessionId(null);
    }
  }, [client]);

  const logOut = useCallback(async () => {
    const { drafts, messages } = client?.unsent ?? { drafts: 0, messages: 0 };
    if (drafts + messages > 0) setAsking(true);
    else await logOutNow();
  }, [client, logOutNow]);

  const leave = useCallback(
    (reason: string) => {
      client?.forget();
      goHome();
      setEnded(reason);
      setSessionId(null);
    },
    [client],
  );

  const session = useMemo(
    () => ({ api, client: sessionId === null ? null : client, ended, begin, logOut, leave }),
    [api, client, sessionId, ended, begin, logOut, leave],
  );
  return (
    <SessionContext value={session}>
      <ClientContext value={session.client}>
        <PictureContext value={session.client?.pictures ?? null}>{children}</PictureContext>
        {isAsking && session.client !== null && (
          <DialogBoundary>
            <LogOutDialog
              unsent={session.client.unsent}
              onClose={() => setAsking(false)}
              // If the platform is away, this browser has forgotten the session all the same.
              onLogOut={() => void logOutNow().catch(() => undefined)}
            />
          </DialogBoundary>
        )}
      </ClientContext>
    </SessionContext>
  );
}

/** Show no address of the last user any more. */
function goHome(): void {
  navigate(PATHS.home, { replace: true });
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
