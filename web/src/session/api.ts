// The platform's HTTP API as far as the client uses it. Live things go over the socket.

import type { Entry, MessageEvent, Role, RoomSettings } from "../protocol/events";
import type { ClientId, ConversationId, RoomId, UserId } from "../protocol/ids";
import { Credentials, type Tokens } from "./credentials";
import { ApiError } from "./errors";
import { call, callForFile, type Fetch, type Request } from "./http";

/** A message as histories hold it: a `message` event without its type. */
export type HistoryMessage = Omit<MessageEvent, "type">;

export interface Page {
  readonly messages: readonly HistoryMessage[];
  /** What happened to the conversation between them, where that was asked for. */
  readonly entries?: readonly Entry[];
  /** In the direction of paging. */
  readonly has_more: boolean;
}

/** Neither: the newest messages. A seq each. */
export interface PageQuery {
  readonly limit?: number;
  readonly before?: number;
  readonly after?: number;
  /** With it, `limit` counts messages and entries together. */
  readonly entries?: "notices";
}

export interface ListedConversation {
  readonly conversation_id: ConversationId;
  readonly kind: "room" | "private";
  readonly room_name: string;
  readonly peer_id: UserId;
  readonly seq: number;
  readonly message_index: number;
  readonly read_index: number;
  readonly delivered_index: number;
  /** Without messages that were deleted; with one for having been added. */
  readonly unread?: number;
  /** Who added the user, until the user has looked. */
  readonly added_by?: UserId | null;
  readonly last_activity_at: string;
  readonly last_message: HistoryMessage | null;
}

export interface UserSummary {
  readonly user_id: UserId;
  readonly username: string;
  readonly display_name?: string;
  readonly avatar_url?: string;
  readonly deleted?: boolean;
}

export interface RoomDetails {
  readonly room_id: RoomId;
  readonly room_name: string;
  readonly creator_id: UserId;
  readonly seq: number;
  readonly settings: RoomSettings;
  /** A page of them; `next_cursor` is where the next one begins, empty on the last. */
  readonly members: readonly { readonly user_id: UserId; readonly role: Role }[];
  readonly next_cursor: string;
  readonly member_count: number;
  /** One's own. */
  readonly role: Role;
}

export interface MemberMarks {
  readonly user_id: UserId;
  readonly read_index: number;
  readonly delivered_index: number;
  /** How many messages there were when the member came: the marks say nothing about those. */
  readonly joined_index?: number;
}

const UNAUTHORIZED = 401;

/** Trade a refresh token for new tokens. */
export function refreshTokens(refreshToken: string, fetchIt?: Fetch): Promise<Tokens> {
  const body = { refresh_token: refreshToken };
  return call({ method: "POST", path: "/user-service/refresh", body }, fetchIt);
}

export class Api {
  readonly credentials: Credentials;
  private readonly fetchIt: Fetch | undefined;

  constructor(credentials: Credentials, fetchIt?: Fetch) {
    this.credentials = credentials;
    this.fetchIt = fetchIt;
  }

  // Accounts

  async register(username: string, email: string, password: string): Promise<UserId> {
    const body = { username, email, password };
    const path = "/user-service/register";
    return (await call<{ user_id: UserId }>({ method: "POST", path, body }, this.fetchIt)).user_id;
  }

  /** Log in. `code`: of a second factor, where `second_factor_required` was the answer. */
  async logIn(email: string, password: string, code?: string): Promise<Tokens> {
    const body = { email, password, ...(code === undefined ? {} : { code }) };
    const path = "/user-service/login";
    const tokens = await call<Tokens>({ method: "POST", path, body }, this.fetchIt);
    this.credentials.take(tokens);
    return tokens;
  }

  /** End the session; the tokens are forgotten whatever the platform says. */
  async logOut(): Promise<void> {
    try {
      await this.authorised({ method: "POST", path: "/user-service/logout" });
    } finally {
      this.credentials.forget();
    }
  }

  // People

  async usersById(ids: readonly UserId[]): Promise<readonly UserSummary[]> {
    const query = { ids: ids.join(","), limit: 100 };
    return (await this.get<{ users: UserSummary[] }>("/user-service/users", query)).users;
  }

  async findUsers(text: string, limit = 20): Promise<readonly UserSummary[]> {
    const query = { query: text, limit };
    return (await this.get<{ users: UserSummary[] }>("/user-service/users", query)).users;
  }

  // Conversations

  conversations(
    cursor: string,
  ): Promise<{ conversations: ListedConversation[]; next_cursor: string }> {
    return this.get("/chat-service/conversations", { limit: 200, cursor });
  }

  roomHistory(roomId: RoomId, page: PageQuery): Promise<Page> {
    return this.get(`/chat-service/rooms/${roomId}`, { ...page });
  }

  privateHistory(receiverId: UserId, page: PageQuery): Promise<Page> {
    const body = { sender_id: this.credentials.current?.userId, ...page };
    return this.authorised({ method: "POST", path: `/chat-service/private/${receiverId}`, body });
  }

  pins(id: ConversationId, before?: number): Promise<Page> {
    const path = `/chat-service/conversations/${id}/pins`;
    return this.get(path, before === undefined ? {} : { before });
  }

  marks(id: ConversationId, cursor: string): Promise<{ marks: MemberMarks[]; next_cursor: string }> {
    return this.get(`/chat-service/conversations/${id}/marks`, { cursor });
  }

  room(roomId: RoomId, cursor: string): Promise<RoomDetails> {
    return this.get(`/chat-service/rooms/${roomId}/members`, { cursor });
  }

  /** Create a room. Those of `invited_ids` are no members yet, but have to accept. */
  createRoom(
    name: string,
    membersIds: readonly UserId[],
    clientId: ClientId,
  ): Promise<{ readonly room_id: RoomId; readonly invited_ids: readonly UserId[] }> {
    const body = {
      room_name: name,
      creator_id: this.credentials.current?.userId,
      members_ids: membersIds,
      client_id: clientId,
    };
    const path = "/chat-service/rooms/create";
    return this.authorised({ method: "POST", path, body });
  }

  // Anything else: what views need beyond this file goes through these two.

  get<T>(path: string, query?: Request["query"]): Promise<T> {
    return this.authorised({ method: "GET", path, ...(query === undefined ? {} : { query }) });
  }

  /** Return the picture at an `avatar_url`. */
  picture(path: string): Promise<Blob> {
    return this.asUser((token) => callForFile(path, token, this.fetchIt));
  }

  /** Make a call as the user. A token that is refused is renewed, once. */
  authorised<T>(request: Omit<Request, "token">): Promise<T> {
    return this.asUser((token) => call<T>({ ...request, token }, this.fetchIt));
  }

  private async asUser<T>(act: (token: string) => Promise<T>): Promise<T> {
    const token = await this.credentials.fresh();
    try {
      return await act(token);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== UNAUTHORIZED) throw error;
      if (!error.code.startsWith("token_")) throw error;
      return act(await this.credentials.renewed(token));
    }
  }
}
