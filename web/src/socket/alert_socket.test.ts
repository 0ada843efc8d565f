import { expect, test } from "vitest";
import type { Alert } from "../protocol/alerts";
import { ApiError, LoggedOutError } from "../session/errors";
import { ManualClock, settle } from "../testing/fake_server";
import { AlertSocket } from "./alert_socket";
import type { WebSocketLike } from "./session_socket";

class Connection implements WebSocketLike {
  onopen: WebSocket["onopen"] = null;
  onmessage: WebSocket["onmessage"] = null;
  onclose: WebSocket["onclose"] = null;
  readyState: 1 | 3 = 1;
  readonly protocols: string[];
  readonly sent: unknown[] = [];

  constructor(protocols: string[]) {
    this.protocols = protocols;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.readyState = 3;
  }

  open(): void {
    this.onopen?.call(null as never, new Event("open"));
    this.tell({ type: "ready", session_id: "01session" });
  }

  tell(frame: object): void {
    this.onmessage?.call(null as never, { data: JSON.stringify(frame) } as MessageEvent);
  }

  lose(code: number): void {
    this.readyState = 3;
    this.onclose?.call(null as never, { code, reason: "" } as CloseEvent);
  }
}

function setUp(options: { renewed?: () => Promise<string>; probe?: () => Promise<unknown> } = {}) {
  const clock = new ManualClock();
  const connections: Connection[] = [];
  const heard: string[] = [];
  let token = "access 1";
  const socket = new AlertSocket({
    url: "ws://chat/ws/alert",
    clock,
    random: () => 1,
    credentials: {
      current: { userId: "01self", sessionId: "01session" },
      fresh: () => Promise.resolve(token),
      renewed: async () => (token = await (options.renewed ?? (() => Promise.resolve("access 2")))()),
    },
    probe: options.probe ?? (() => Promise.resolve()),
    listener: {
      opened: () => heard.push("opened"),
      alert: (alert: Alert) => heard.push(alert.alert_id),
      profileChanged: () => heard.push("profile"),
      ended: () => heard.push("ended"),
    },
    open: (_url, protocols) => {
      const connection = new Connection(protocols);
      connections.push(connection);
      return connection;
    },
  });
  socket.start();
  return { socket, clock, connections, heard };
}

const ALERT = { type: "login_failed", alert_id: "01a", device: "", address: "", at: "" };

test("what happens to the account is told, and what is not known is let through", async () => {
  const { connections, heard } = setUp();
  await settle();
  const [connection] = connections;
  expect(connection?.protocols).toEqual(["chatterroom.v1", "bearer.access 1"]);
  connection?.open();
  for (const frame of [ALERT, { type: "of a later version" }, { type: "profile_changed" }]) {
    connection?.tell(frame);
  }
  expect(heard).toEqual(["opened", "01a", "profile"]);
});

test("a lost connection is made again, later with every failure", async () => {
  const { clock, connections } = setUp();
  await settle();
  for (const delay of [250, 500, 1_000]) {
    connections.at(-1)?.lose(1006);
    const count = connections.length;
    await clock.pass(delay - 1);
    expect(connections).toHaveLength(count);
    await clock.pass(1);
    expect(connections).toHaveLength(count + 1);
  }
});

test("a token that has expired is renewed", async () => {
  const { clock, connections } = setUp();
  await settle();
  connections[0]?.open();
  connections[0]?.lose(4401);
  await clock.pass(250);
  expect(connections[1]?.protocols).toContain("bearer.access 2");
});

test.each([
  ["the renewal is refused", 4401],
  ["a refused handshake turns out to be a session that is over", 1006],
])("where %s the session is over, and nothing more is tried", async (_what, code) => {
  const refuse = () => Promise.reject(new LoggedOutError("over"));
  const { clock, connections, heard } = setUp({ renewed: refuse, probe: refuse });
  await settle();
  connections[0]?.lose(code);
  await clock.pass(60_000);
  expect(heard).toEqual(["ended"]);
  expect(connections).toHaveLength(1);
});

test("a platform that is away ends nothing", async () => {
  const away = () => Promise.reject(new ApiError("service_unavailable", "later", 503));
  const { clock, connections, heard } = setUp({ probe: away });
  await settle();
  connections[0]?.lose(1006);
  await clock.pass(250);
  expect(connections).toHaveLength(2);
  expect(heard).toEqual([]);
});

test("a connection that shows no sign of life is left for another", async () => {
  const { clock, connections } = setUp();
  await settle();
  connections[0]?.open();
  await clock.pass(25_000);
  expect(connections[0]?.sent).toEqual([{ type: "ping" }]);
  await clock.pass(10_250);
  expect(connections).toHaveLength(2);
  expect(connections[0]?.readyState).toBe(3);
});

test("nobody waits when the network is back", async () => {
  const { socket, connections } = setUp();
  await settle();
  connections[0]?.lose(1006);
  await settle();
  socket.nudge();
  await settle();
  expect(connections).toHaveLength(2);
});

test("a socket that was stopped stays so", async () => {
  const { socket, clock, connections } = setUp();
  await settle();
  connections[0]?.open();
  socket.stop();
  await clock.pass(60_000);
  expect(connections).toHaveLength(1);
});
