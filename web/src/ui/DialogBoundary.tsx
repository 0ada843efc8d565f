// Around dialogs that are loaded when they are needed: until one is there, what is typed is not for
// the page behind it.

import { Suspense, type ReactNode } from "react";

/** Is there while a dialog is being loaded. */
export const LOADING_DIALOG = "[data-loading-dialog]";

export function DialogBoundary({ children }: { children: ReactNode }) {
  return <Suspense fallback={<div data-loading-dialog hidden />}>{children}</Suspense>;
}
