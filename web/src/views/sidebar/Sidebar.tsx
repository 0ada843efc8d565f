// The list of conversations, and what begins new ones.

import { lazy, useEffect, useEffectEvent, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useCell } from "../../app/account_hooks";
import { asked } from "../../app/first_steps";
import { useConversations } from "../../app/hooks";
import { neighbourOf } from "../../app/neighbours";
import { useIdList, useMuted } from "../../app/preferences";
import { PATHS, pathOf, placeAt } from "../../app/routes";
import { useShortcuts } from "../../app/shortcuts";
import { DialogBoundary } from "../../ui/DialogBoundary";
import { arrange } from "./arrange";
import { ConversationList } from "./ConversationList";
import { Header } from "./Header";
import { RequestsEntry } from "./RequestsEntry";
import { Search } from "./Search";
import { SHORTCUTS } from "./shortcut_list";
import styles from "./Sidebar.module.css";

const NewRoom = lazy(() => import("./NewRoom"));
const ShortcutHelp = lazy(() => import("./ShortcutHelp"));

export function Sidebar() {
  const [path, navigate] = useLocation();
  const everything = useConversations();
  const favourites = useIdList("favourites");
  const unread = useIdList("unread");
  const closed = useIdList("closed");
  const [isUnreadOnly, setUnreadOnly] = useState(false);
  const conversations = useMemo(
    () => arrange(everything, { favourites, unread, closed }, isUnreadOnly, placeAt(path)),
    [everything, favourites, unread, closed, isUnreadOnly, path],
  );
  const muted = useMuted();
  const [text, setText] = useState("");
  const [dialog, setDialog] = useState<"room" | "shortcuts" | null>(null);
  const search = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);

  const find = () => {
    const isOpen = search.current?.checkVisibility() ?? false;
    // On a phone the box is on the screen before.
    if (!isOpen) navigate(PATHS.home);
    setTimeout(() => {
      search.current?.focus();
      search.current?.select();
    });
  };
  const request = useCell(asked);
  const answer = useEffectEvent((step: "find" | "room") => {
    asked.set(null);
    if (step === "room") setDialog("room");
    else find();
  });
  useEffect(() => {
    if (request !== null) answer(request.step);
  }, [request]);
  const move = (step: 1 | -1, isUnreadOnly: boolean) => {
    const place = neighbourOf(
      conversations,
      placeAt(path),
      step,
      isUnreadOnly ? ({ id, unread, mentioned }) => unread > 0 && (!muted.has(id) || mentioned) : undefined,
    );
    if (place !== null) navigate(pathOf(place));
  };
  const showShortcuts = () => setDialog("shortcuts");
  useShortcuts({
    [SHORTCUTS.search]: find,
    [SHORTCUTS.previous]: () => move(-1, false),
    [SHORTCUTS.next]: () => move(1, false),
    [SHORTCUTS.previousUnread]: () => move(-1, true),
    [SHORTCUTS.nextUnread]: () => move(1, true),
    [SHORTCUTS.help]: showShortcuts,
    [SHORTCUTS.helpAnywhere]: showShortcuts,
  });

  return (
    <>
      <Header
        onNewRoom={() => setDialog("room")}
        onNewChat={find}
        onShowShortcuts={showShortcuts}
      />
      <Search
        ref={search}
        text={text}
        onText={setText}
        onLeave={() => list.current?.querySelector("a")?.focus()}
      />
      {text.trim() === "" && <RequestsEntry />}
      {text.trim() === "" && (
        <ConversationList
          ref={list}
          conversations={conversations}
          isEmpty={everything.length === 0}
          isUnreadOnly={isUnreadOnly}
          onUnreadOnly={setUnreadOnly}
          onFind={find}
          onNewRoom={() => setDialog("room")}
          onLeave={() => search.current?.focus()}
        />
      )}
      <div className={styles["dialogs"]}>
        <DialogBoundary>
          {dialog === "room" && <NewRoom onClose={() => setDialog(null)} />}
          {dialog === "shortcuts" && <ShortcutHelp onClose={() => setDialog(null)} />}
        </DialogBoundary>
      </div>
    </>
  );
}
