// What one can do with a message: its menu, the reactions to choose from, who has read it, and the
// question before it is deleted.

import { lazy } from "react";
import { useStore } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { UserId } from "../../protocol/ids";
import type { Message } from "../../store/message";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { LoadBoundary } from "../../ui/LoadBoundary";
import { PointMenu, PointMenuItem, type MenuPlace } from "../../ui/PointMenu";
import { deliveryOf } from "./delivery";
import { Icon } from "./icons";
import { useNames } from "./people";
import styles from "./MessageMenus.module.css";

const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "😢"];
const EmojiPicker = lazy(() => import("../../ui/emoji/EmojiPicker"));

interface MenuProps {
  message: Message;
  place: MenuPlace;
  onClose: () => void;
  onReact: (emoji: string) => void;
  onMoreReactions: () => void;
  onReply: () => void;
  onEdit: () => void;
  onPin: () => void;
  onCopyText: () => void;
  onCopyLink: () => void;
  onReaders: () => void;
  onDelete: () => void;
}

export function MessageMenu(props: MenuProps) {
  const { message, place, onClose } = props;
  const { store } = useClient();
  const conversation = store.conversations.get(message.conversation_id);
  const isInside = conversation?.inside ?? false;
  const isRoom = conversation?.kind === "room";
  const isOwn = message.sender_id === store.selfId;
  const role = conversation?.members?.get(store.selfId);
  const mayDelete = isInside && (isOwn || role === "owner" || role === "admin");
  const act = (action: () => void) => () => {
    onClose();
    action();
  };
  return (
    <PointMenu label="Message" place={place} onClose={onClose}>
      {isInside && !message.deleted && (
        <div className={styles["quick"]} role="group" aria-label="React">
          {QUICK.map((emoji) => (
            <PointMenuItem
              key={emoji}
              isCompact
              label={`React with ${emoji}`}
              onSelect={act(() => props.onReact(emoji))}
            >
              {emoji}
            </PointMenuItem>
          ))}
          <PointMenuItem isCompact label="React with another emoji" onSelect={act(props.onMoreReactions)}>
            <Icon name="react" />
          </PointMenuItem>
        </div>
      )}
      {isInside && (
        <PointMenuItem icon={<Icon name="reply" />} onSelect={act(props.onReply)}>
          Reply
        </PointMenuItem>
      )}
      {isInside && isOwn && !message.deleted && (
        <PointMenuItem icon={<Icon name="edit" />} onSelect={act(props.onEdit)}>
          Edit
        </PointMenuItem>
      )}
      {isInside && !message.deleted && (
        <PointMenuItem icon={<Icon name="pin" />} onSelect={act(props.onPin)}>
          {message.pinned ? "Unpin" : "Pin"}
        </PointMenuItem>
      )}
      {!message.deleted && (
        <PointMenuItem icon={<Icon name="copy" />} onSelect={act(props.onCopyText)}>
          Copy text
        </PointMenuItem>
      )}
      <PointMenuItem icon={<Icon name="link" />} onSelect={act(props.onCopyLink)}>
        Copy link
      </PointMenuItem>
      {isRoom && (
        <PointMenuItem icon={<Icon name="people" />} onSelect={act(props.onReaders)}>
          Read by…
        </PointMenuItem>
      )}
      {mayDelete && !message.deleted && (
        <PointMenuItem isDanger icon={<Icon name="trash" />} onSelect={act(props.onDelete)}>
          Delete
        </PointMenuItem>
      )}
    </PointMenu>
  );
}

interface ReactionProps {
  place: MenuPlace;
  onClose: () => void;
  onReact: (emoji: string) => void;
}

export function ReactionMenu({ place, onClose, onReact }: ReactionProps) {
  return (
    <PointMenu label="Choose a reaction" role="group" place={place} onClose={onClose}>
      <div className={styles["many"]}>
        <LoadBoundary>
          <EmojiPicker
            onClose={onClose}
            onPick={(emoji) => {
              onClose();
              onReact(emoji);
            }}
          />
        </LoadBoundary>
      </div>
    </PointMenu>
  );
}

interface ReadersProps {
  message: Message;
  place: MenuPlace;
  onClose: () => void;
}

const NAMED = 100;

export function Readers({ message, place, onClose }: ReadersProps) {
  // Again with every change of the marks.
  useStore((store) => store.conversations.get(message.conversation_id)?.version);
  const { store } = useClient();
  const { conversation_id: id, message_index: index, sender_id } = message;
  const { readers, receivers } = deliveryOf(store.conversation(id), index, sender_id);
  return (
    <PointMenu label="Who has read this message" role="dialog" place={place} onClose={onClose}>
      <div className={styles["readers"]}>
        <Names title="Read by" ids={readers} />
        {receivers.length > 0 && <Names title="Delivered to" ids={receivers} />}
      </div>
    </PointMenu>
  );
}

function Names({ title, ids }: { title: string; ids: readonly UserId[] }) {
  const names = useNames(ids, NAMED);
  return (
    <p>
      <strong>
        {title} {ids.length}
      </strong>
      <bdi>{ids.length === 0 ? "No one yet" : names}</bdi>
    </p>
  );
}

interface DeleteProps {
  message: Message;
  onClose: () => void;
  onDelete: () => void;
}

export function DeleteDialog({ message, onClose, onDelete }: DeleteProps) {
  return (
    <Dialog
      title="Delete this message?"
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>Cancel</Button>
          <Button
            kind="danger"
            onClick={() => {
              onClose();
              onDelete();
            }}
          >
            Delete
          </Button>
        </>
      }
    >
      <blockquote className={styles["doomed"]} dir="auto">
        {message.message}
      </blockquote>
      <p>It will be deleted for everyone. This can't be undone.</p>
    </Dialog>
  );
}
