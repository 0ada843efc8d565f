// The button that opens the panel, and the panel.

import { lazy, useState } from "react";
import type { PlaceKey } from "../../store/outgoing";
import { IconButton } from "../../ui/IconButton";
import { LoadBoundary } from "../../ui/LoadBoundary";
import { usePanel } from "./usePanel";

const RoomPanel = lazy(() => import("./RoomPanel"));

/** Stands in the header of a conversation. */
export function RoomPanelToggle({ place }: { place: PlaceKey }) {
  const { isOpen, open, close } = usePanel();
  const [isAsked, setAsked] = useState(false);
  const label = place.startsWith("u:") ? "Profile" : "About this room";
  return (
    <>
      <IconButton
        label={label}
        aria-expanded={isOpen}
        onClick={() => {
          setAsked(true);
          if (isOpen) close();
          else open();
        }}
      >
        <svg
          viewBox="0 0 24 24"
          width="20"
          height="20"
          fill="none"
          stroke="currentColor"
          strokeWidth="2"
          strokeLinecap="round"
          aria-hidden
        >
          <circle cx="12" cy="12" r="9" />
          <path d="M12 11v5.5M12 7.5v.01" />
        </svg>
      </IconButton>
      {isOpen && (
        <LoadBoundary>
          <RoomPanel place={place} takesFocus={isAsked} onClose={close} />
        </LoadBoundary>
      )}
    </>
  );
}
