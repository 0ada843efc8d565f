import { describe, expect, test } from "vitest";
import { added, head, message, removed, SELF, OTHER, ROOM } from "../testing/entries";
import { Inbox, MAX_LAG } from "./inbox";

describe("inside a conversation", () => {
  test("the first connection begins with now", () => {
    const inbox = new Inbox(SELF);
    const opening = inbox.open([head(7)]);
    expect(opening).toEqual({ resume: {}, isComplete: true, begun: [ROOM], gone: [] });
    expect(inbox.take(message(8))).toBe("next");
  });

  test("what was seen is dropped, and what lacks something before it is a hole", () => {
    const inbox = new Inbox(SELF);
    inbox.open([head(7)]);
    expect(inbox.take(message(7))).toBe("drop");
    expect(inbox.take(message(9))).toBe("hole");
    expect(inbox.take(message(8))).toBe("next");
    expect(inbox.take(message(9))).toBe("next");
  });

  test("a later connection resumes what is behind, and only that", () => {
    const inbox = new Inbox(SELF);
    inbox.open([head(7), head(3, "other")]);
    expect(inbox.open([head(9), head(3, "other")]).resume).toEqual({ [ROOM]: 7 });
  });

  test("what is far behind begins anew", () => {
    const inbox = new Inbox(SELF);
    inbox.open([head(7)]);
    const opening = inbox.open([head(8 + MAX_LAG)]);
    expect(opening.begun).toEqual([ROOM]);
    expect(opening.resume).toEqual({});
    expect(inbox.seqOf(ROOM)).toBe(8 + MAX_LAG);
  });
});

describe("coming and going", () => {
  test("a removal is the last that is told, until one is added again", () => {
    const inbox = new Inbox(SELF);
    inbox.open([head(7)]);
    expect(inbox.take(removed(8, SELF))).toBe("next");
    expect(inbox.take(added(12, SELF))).toBe("next");
    expect(inbox.take(message(13))).toBe("next");
  });

  test("a conversation that is no longer listed is gone, once", () => {
    const inbox = new Inbox(SELF);
    inbox.open([head(7)]);
    expect(inbox.open([]).gone).toEqual([ROOM]);
    expect(inbox.open([]).gone).toEqual([]);
  });

  test("a room that appears while away is resumed from the entry that brought one in", () => {
    const inbox = new Inbox(SELF);
    inbox.open([]);
    expect(inbox.open([{ ...head(9), joined_seq: 6 }]).resume).toEqual({ [ROOM]: 5 });
    expect(inbox.take(added(6, SELF))).toBe("next");
    expect(inbox.take(message(7, OTHER))).toBe("next");
  });
});
