// Joins store, socket and HTTP for one user who is logged in. Views act through it.

import type { Appending, Commands } from "../protocol/commands";
import type { Entry, MessageEvent, Passing, Ready, Role, RoomSettings } from "../protocol/events";
import {
  newClientId,
  type ConversationId,
  type MessageId,
  type RoomId,
  type UserId,
} from "../protocol/ids";
import { ApiError } from "../session/errors";
import type { Api } from "../session/api";
import { SessionSocket, type Listener, type SocketState } from "../socket/session_socket";
import { KeptDeviceSettings } from "../store/device_settings";
import { Drafts } from "../store/drafts";
import { OutgoingStorage } from "../store/outgoing";
import { Store } from "../store/store";
import { tellWatched } from "./desktop";
import { KeptPage } from "./kept_page";
import { Loader } from "./loader";
import { Marker } from "./marker";
import { readUnread } from "./mentions";
import { OwnAccount } from "./own_account";
import { People } from "./people";
import { Pictures } from "./pictures";
import { Preferences } from "./preferences";
import { PresenceWatch } from "./presence";
import { Requests } from "./requests";
import { Sender } from "./sender";

export interface Unsent {
  readonly drafts: number;
  readonly messages: number;
}

const TYPING_EVERY_MS = 3_000;
const LIST_AGAIN_MS = 2_000;
const PEOPLE_AGAIN_MS = 180_000;

/**
 * Changes of messages and rooms are promises: they resolve when the change is on disk, and reject
 * with `ApiError` where it is refused. What they lead to comes as an event. Made offline, they
 * wait for the connection, as long as the page lives.
 */
export class ChatClient implements Listener {
  readonly api: Api;
  readonly store: Store;
  readonly drafts: Drafts;
  readonly loader: Loader;
  readonly people: People;
  readonly sender: Sender;
  readonly marker: Marker;
  readonly presence: PresenceWatch;
  readonly pictures: Pictures;
  readonly account: OwnAccount;
  readonly device: KeptDeviceSettings;
  readonly preferences: Preferences;
  readonly requests: Requests;
  private readonly socket: SessionSocket;
  private readonly outgoing: OutgoingStorage;
  private readonly page: KeptPage;
  private readonly onEnd: (reason: Error) => void;
  private readonly messageListeners = new Set<(message: MessageEvent) => void>();
  private readonly typedAt = new Map<ConversationId, number>();
  private listTimer: ReturnType<typeof setTimeout> | null = null;
  private readonly stops: (() => void)[] = [];

  /**
   * `storage` is shared by all tabs, `ownStorage` belongs to this one. `onEnd` is called when the
   * session is over and a new login is needed.
   */
  constructor(
    api: Api,
    selfId: UserId,
    storage: Storage,
    ownStorage: Storage,
    onEnd: (reason: Error) => void,
  ) {
    this.api = api;
    this.onEnd = onEnd;
    this.store = new Store(selfId);
    this.drafts = new Drafts(storage, ownStorage, selfId);
    this.outgoing = new OutgoingStorage(storage, selfId);
    this.page = new KeptPage(storage, selfId, this.store);
    this.socket = new SessionSocket({
      url: `${location.origin.replace(/^http/, "ws")}/ws/chat`,
      credentials: api.credentials,
      listener: this,
      probe: () => api.get("/chat-service/presence", { ids: selfId }),
      kept: this.page.restore(),
      isWatched: () => document.visibilityState === "visible",
    });
    this.loader = new Loader(api, this.store);
    this.people = new People(api, this.store);
    this.sender = new Sender(this.store, this.outgoing, this.socket);
    this.marker = new Marker(this.store, this.socket);
    this.presence = new PresenceWatch(this.socket);
    this.pictures = new Pictures(api);
    this.device = new KeptDeviceSettings(storage);
    this.preferences = new Preferences(api);
    this.requests = new Requests(api);
    this.account = new OwnAccount(api, selfId, storage, {
      changed: () => {
        this.people.refresh([selfId]);
        this.preferences.changed();
      },
      ended: (reason) => this.ended(reason),
    });
  }

  start(): void {
    const nudge = () => {
      if (document.visibilityState !== "visible") return;
      this.socket.nudge();
      this.account.nudge();
      this.preferences.refresh();
    };
    for (const [target, type] of [
      [window, "online"],
      [window, "offline"],
      [window, "pageshow"],
      [document, "visibilitychange"],
    ] as const) {
      target.addEventListener(type, nudge);
      this.stops.push(() => target.removeEventListener(type, nudge));
    }
    const keep = () => {
      // Before the list has been read there is less than what was kept before.
      if (this.store.listRead) this.page.keep((id) => this.socket.seqOf(id));
    };
    const keepIfHidden = () => {
      if (document.visibilityState === "hidden") keep();
    };
    window.addEventListener("pagehide", keep);
    document.addEventListener("visibilitychange", keepIfHidden);
    this.stops.push(() => {
      window.removeEventListener("pagehide", keep);
      document.removeEventListener("visibilitychange", keepIfHidden);
    });
    const again = setInterval(() => {
      if (document.visibilityState === "visible") this.people.refreshShown();
    }, PEOPLE_AGAIN_MS);
    this.stops.push(() => clearInterval(again));
    // Before anything is in sight that was kept.
    this.stops.push(tellWatched());
    this.sender.start();
    this.socket.start();
    this.account.start();
  }

  /** Leave the connection. The client is of no use afterwards. */
  stop(): void {
    for (const stop of this.stops.splice(0)) stop();
    if (this.listTimer !== null) clearTimeout(this.listTimer);
    this.people.stop();
    this.marker.stop();
    this.presence.stop();
    this.pictures.stop();
    this.account.stop();
    this.requests.stop();
    this.socket.stop();
  }

  /** What a logout would throw away: drafts, and messages that were not sent. */
  get unsent(): Unsent {
    return { drafts: this.drafts.size, messages: this.store.outgoing.size };
  }

  /** End the session, and forget what this browser keeps of the user. */
  async logOut(): Promise<void> {
    this.clear();
    await this.api.logOut();
  }

  /** Forget everything of a session that is over already. */
  forget(): void {
    this.clear();
    this.api.credentials.forget();
  }

  private clear(): void {
    this.stop();
    this.outgoing.clear();
    this.drafts.clear();
    this.page.clear();
    this.account.alerts.clear();
  }

  // Messages; to send one, `sender.send`

  edit(messageId: MessageId, message: string): Promise<void> {
    return this.change("edit", { message_id: messageId, message });
  }

  delete(messageId: MessageId): Promise<void> {
    return this.change("delete", { message_id: messageId });
  }

  react(messageId: MessageId, emoji: string, remove = false): Promise<void> {
    return this.change("react", { message_id: messageId, emoji, remove });
  }

  pin(messageId: MessageId, remove = false): Promise<void> {
    return this.change("pin", { message_id: messageId, remove });
  }

  // Rooms

  renameRoom(roomId: RoomId, name: string): Promise<void> {
    return this.change("update_room", { room_id: roomId, room_name: name });
  }

  changeSettings(roomId: RoomId, settings: Partial<RoomSettings>): Promise<void> {
    return this.change("update_room", { room_id: roomId, settings });
  }

  /** Add a user; resolves to whether they were only invited, and have to accept. */
  async addMember(roomId: RoomId, userId: UserId): Promise<boolean> {
    const fields = { room_id: roomId, user_id: userId };
    const ack = await this.socket.append("add_member", fields, newClientId());
    return ack.type === "ack" && ack.invited === true;
  }

  removeMember(roomId: RoomId, userId: UserId): Promise<void> {
    return this.change("remove_member", { room_id: roomId, user_id: userId });
  }

  changeRole(roomId: RoomId, userId: UserId, role: Role): Promise<void> {
    return this.change("change_role", { room_id: roomId, user_id: userId, role });
  }

  leaveRoom(roomId: RoomId): Promise<void> {
    return this.change("leave_room", { room_id: roomId });
  }

  // People

  /** Block a user; they are not told. */
  async block(userId: UserId): Promise<void> {
    await this.api.authorised({ method: "PUT", path: `/chat-service/blocks/${userId}` });
  }

  async unblock(userId: UserId): Promise<void> {
    await this.api.authorised({ method: "DELETE", path: `/chat-service/blocks/${userId}` });
  }

  /** The user has pressed a key. The others are told every few seconds at most. */
  typed(id: ConversationId): void {
    const now = Date.now();
    if (now - (this.typedAt.get(id) ?? 0) < TYPING_EVERY_MS) return;
    this.typedAt.set(id, now);
    this.socket.tellTyping(id);
  }

  /** Do not wait any longer before the next attempt to connect. */
  reconnect(): void {
    this.socket.nudge();
  }

  /** Call a listener with each new message, once and in order; return how to stop that. */
  onMessage(listener: (message: MessageEvent) => void): () => void {
    this.messageListeners.add(listener);
    return () => this.messageListeners.delete(listener);
  }

  // Listener

  changed(state: SocketState, reason: Error | null): void {
    this.store.setConnection(state);
    if (state === "live") {
      this.presence.later();
      this.marker.later();
      this.preferences.refresh();
    }
    if (reason !== null) this.ended(reason);
  }

  opened(ready: Ready, begun: readonly ConversationId[], gone: readonly ConversationId[]): void {
    for (const { conversation_id, read_index, delivered_index } of ready.conversations) {
      this.marker.knows(conversation_id, read_index, delivered_index);
    }
    this.store.open(ready, begun, gone);
    this.requests.read();
    if (!this.store.listRead || begun.length > 0) this.readList(0);
  }

  entry(entry: Entry): void {
    this.store.apply(entry);
    const conversation = this.store.conversation(entry.conversation_id);
    // Its name, or how much there was before, is not told by events.
    if (!conversation.listed && conversation.inside) this.readList(LIST_AGAIN_MS / 10);
    if (entry.type !== "message") return;
    for (const listener of this.messageListeners) listener(entry);
    if (entry.sender_id === this.store.selfId) {
      this.outgoing.drop(entry.client_id);
      this.marker.knows(entry.conversation_id, entry.message_index, entry.message_index);
    }
    this.marker.later();
  }

  passing(event: Passing): void {
    this.store.applyPassing(event);
    if (event.type === "request_received" || event.type === "request_answered") this.requests.read();
  }

  stalled(isStalled: boolean): void {
    this.store.setStalled(isStalled);
  }

  private ended(reason: Error): void {
    // It may have been ended because somebody else has this device.
    this.page.clear();
    this.onEnd(reason);
  }

  private readList(delayMs: number): void {
    this.listTimer ??= setTimeout(() => {
      this.listTimer = null;
      this.loader.list().then(
        () => {
          this.marker.later();
          // Where it fails, a mark is missing until the room is opened.
          readUnread(this.store, this.loader).catch(() => undefined);
        },
        () => this.store.connection !== "closed" && this.readList(LIST_AGAIN_MS),
      );
    }, delayMs);
  }

  private async change<K extends Appending>(type: K, fields: Commands[K]): Promise<void> {
    try {
      await this.socket.append(type, fields, newClientId());
    } catch (error) {
      // Somebody was faster, or the click came twice: it is as was wanted.
      if (!(error instanceof ApiError) || error.code !== "unchanged") throw error;
    }
  }
}
