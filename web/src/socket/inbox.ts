// Which entries are let through, and where a socket resumes. Pure.
//
// Inside a conversation only the entry after the last one counts. Outside, before the user came
// in or after the user left, entries are passed over until one brings the user in.

import type { Entry, Head } from "../protocol/events";
import { isPrivate, type ConversationId, type UserId } from "../protocol/ids";

// So many names stay well below the longest message that a server takes.
const MAX_NAMED = 1_000;

/** A conversation that is further behind is begun anew rather than caught up entry by entry. */
export const MAX_LAG = 2_000;

/** What was kept over a reload is begun anew earlier: reading a page is quicker than many entries. */
export const MAX_LAG_OF_KEPT = 500;

/**
 * What is to be done with an entry. `next`: it is the expected one. `drop`: it was seen before, or
 * is from when the user was not in the conversation. `hole`: something before it is missing.
 */
export type Verdict = "next" | "drop" | "hole";

export interface Opening {
  /** What to say in `resume`. */
  readonly resume: Record<ConversationId, number>;
  /** Whether that is everything there is to resume. */
  readonly isComplete: boolean;
  /** Conversations that begin, or begin anew, with now: what was held of them is out of date. */
  readonly begun: readonly ConversationId[];
  /** Conversations that the user is not in any more. */
  readonly gone: readonly ConversationId[];
}

interface Place {
  seq: number;
  inside: boolean;
}

export class Inbox {
  private readonly places = new Map<ConversationId, Place>();
  private readonly gone = new Set<ConversationId>();
  /** Conversations that were resumed, and of which nothing has come yet. */
  private resuming = new Set<ConversationId>();
  private isFirst = true;
  private readonly userId: UserId;

  /** `kept`: up to where an earlier page has kept what it held of conversations. */
  constructor(userId: UserId, kept: ReadonlyMap<ConversationId, number> = new Map()) {
    this.userId = userId;
    for (const [id, seq] of kept) this.places.set(id, { seq, inside: true });
  }

  /** Return the last seq that was let through; 0 where there is none. */
  seqOf(conversationId: ConversationId): number {
    return this.places.get(conversationId)?.seq ?? 0;
  }

  /** Take note of the conversations that a new socket carries. */
  open(heads: readonly Head[]): Opening {
    const begun: ConversationId[] = [];
    const lagging: [ConversationId, number][] = [];
    const listed = new Set<ConversationId>();
    for (const head of heads) {
      const id = head.conversation_id;
      listed.add(id);
      const isKept = this.places.has(id);
      const place = this.place(id);
      const maxLag = this.isFirst ? (isKept ? MAX_LAG_OF_KEPT : -1) : MAX_LAG;
      // Behind what was kept: the server has lost what this client saw.
      const isAhead = this.isFirst && place.seq > head.seq;
      if (isAhead || (this.isFirst || place.inside) && head.seq - place.seq > maxLag) {
        place.seq = head.seq;
        place.inside = true;
        begun.push(id);
        continue;
      }
      if (!place.inside) place.seq = Math.max(place.seq, head.joined_seq - 1);
      if (place.seq < head.seq) lagging.push([id, place.seq]);
    }
    this.isFirst = false;
    for (const id of listed) this.gone.delete(id);
    const gone = [...this.places]
      .filter(([id, place]) => place.inside && !listed.has(id) && !this.gone.has(id))
      .map(([id]) => id);
    for (const id of gone) this.gone.add(id);
    const named = lagging.slice(0, MAX_NAMED);
    this.resuming = new Set(named.map(([id]) => id));
    return {
      resume: Object.fromEntries(named),
      isComplete: named.length === lagging.length,
      begun,
      gone,
    };
  }

  /** Decide on an entry, and remember it where it is let through. */
  take(entry: Entry): Verdict {
    const place = this.place(entry.conversation_id);
    const isFirst = this.resuming.delete(entry.conversation_id);
    if (entry.seq <= place.seq) {
      // The server counts the user in from an entry that was seen: what follows is due.
      place.inside ||= this.bringsIn(entry);
      return "drop";
    }
    if (place.inside) {
      // Where rooms hide their past from newcomers, how one left and what came until one was
      // added again cannot be had any more.
      const hidden = isFirst && entry.type === "member_added" && entry.user_id === this.userId;
      if (entry.seq !== place.seq + 1 && !hidden) return "hole";
    } else if (!this.bringsIn(entry)) {
      if (entry.seq !== place.seq + 1) return "hole";
      place.seq = entry.seq;
      return "drop";
    }
    place.seq = entry.seq;
    place.inside = !this.ends(entry);
    this.gone.delete(entry.conversation_id);
    return "next";
  }

  private place(id: ConversationId): Place {
    let place = this.places.get(id);
    if (place === undefined) {
      // A private chat has nobody coming or going.
      place = { seq: 0, inside: isPrivate(id) };
      this.places.set(id, place);
    }
    return place;
  }

  private ends(entry: Entry): boolean {
    const departs = entry.type === "member_left" || entry.type === "member_removed";
    return departs && entry.user_id === this.userId;
  }

  private bringsIn(entry: Entry): boolean {
    switch (entry.type) {
      case "member_left":
      case "member_removed":
        return false;
      case "room_created":
        return entry.sender_id === this.userId || entry.members_ids.includes(this.userId);
      case "member_added":
        return entry.sender_id === this.userId || entry.user_id === this.userId;
      case "unknown": {
        const { sender_id, user_id, members_ids } = entry.fields;
        const listed = Array.isArray(members_ids) ? members_ids : [];
        return [sender_id, user_id, ...listed].includes(this.userId);
      }
      default:
        return entry.sender_id === this.userId;
    }
  }
}
