// What the rows of a conversation can ask of the view around them.

import { createContext, use } from "react";
import type { Message } from "../../store/message";
import type { MessageId } from "../../protocol/ids";
import type { MenuPlace } from "../../ui/PointMenu";

export interface RowActions {
  /** Show a message of this conversation, wherever it is. */
  jump(id: MessageId): void;
  reply(message: Message): void;
  /** React, or take one's reaction back. */
  react(message: Message, emoji: string): void;
  openMenu(message: Message, place: MenuPlace): void;
  openReactions(message: Message, place: MenuPlace): void;
  openReaders(message: Message, place: MenuPlace): void;
}

export const RowActionsContext = createContext<RowActions | null>(null);

export function useRowActions(): RowActions {
  const actions = use(RowActionsContext);
  if (actions === null) throw new Error("there is no conversation around this row");
  return actions;
}
