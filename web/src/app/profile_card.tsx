// The profile of a person, opened from wherever they are named.

import { lazy, useSyncExternalStore } from "react";
import { DialogBoundary } from "../ui/DialogBoundary";
import type { UserId } from "../protocol/ids";
import { Cell } from "../store/cell";

const ProfileDialog = lazy(() => import("../views/room/ProfileDialog"));

const shown = new Cell<UserId | null>(null);

export function showProfile(userId: UserId): void {
  shown.set(userId);
}

/** Renders the card while it is open. */
export function ProfileCard() {
  const userId = useSyncExternalStore(shown.subscribe, shown.get);
  if (userId === null) return null;
  return (
    <DialogBoundary>
      <ProfileDialog key={userId} userId={userId} onClose={() => shown.set(null)} />
    </DialogBoundary>
  );
}
