// Text of the socket to typed frames. Unknown types and fields are let through, never refused.

import type { Entry, Frame } from "./events";

const ENTRIES = new Set([
  "message",
  "message_edited",
  "message_deleted",
  "reaction_added",
  "reaction_removed",
  "message_pinned",
  "message_unpinned",
  "room_created",
  "room_updated",
  "member_added",
  "member_left",
  "member_removed",
  "role_changed",
]);

const OTHERS = new Set([
  "ready",
  "conversations",
  "resumed",
  "ack",
  "marked",
  "error",
  "pong",
  "going_away",
  "marks",
  "typing",
  "presence",
  "block",
  "request_received",
  "request_answered",
]);

/** Return the frame of a text; raise a `SyntaxError` for what is no JSON object with a `type`. */
export function decodeFrame(text: string): Frame {
  const fields: unknown = JSON.parse(text);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new SyntaxError("not a JSON object");
  }
  const record = fields as Record<string, unknown>;
  const type = record["type"];
  if (typeof type !== "string") throw new SyntaxError("there is no type");
  const hasPlace =
    typeof record["conversation_id"] === "string" && Number.isInteger(record["seq"]);
  if (ENTRIES.has(type)) {
    if (!hasPlace) throw new SyntaxError(`${type} without its place`);
    return record as unknown as Frame;
  }
  if (OTHERS.has(type)) return record as unknown as Frame;
  if (hasPlace) return { ...record, type: "unknown", fields: record } as unknown as Frame;
  return { type: "other", fields: record };
}

/** Say whether a frame has a place in a conversation. */
export function isEntry(frame: Frame): frame is Entry {
  return ENTRIES.has(frame.type) || frame.type === "unknown";
}
