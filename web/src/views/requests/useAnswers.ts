// The three answers to a request, one at a time.

import { useLocation } from "wouter";
import { useClient } from "../../app/session";
import { pathOf, PATHS, privatePlace, roomPlace } from "../../app/routes";
import type { WaitingRequest } from "../../client/requests";
import { ApiError, sayError } from "../../session/errors";
import { useAction } from "../settings/useAction";

export interface Answers {
  readonly isBusy: boolean;
  /** Why the last one failed, for people. */
  readonly problem: string | null;
  /** Accept, and show what was accepted. */
  accept(): void;
  decline(): void;
  /** Block the one who asks, which declines all that they have asked. */
  block(): void;
}

interface Options {
  /** Whether the list is shown after a request is gone. */
  readonly goesHome?: boolean;
  /** Hears why a request is gone that could not be accepted; its own view goes with it. */
  readonly onVoid?: (problem: string) => void;
}

export function useAnswers(
  request: WaitingRequest,
  { goesHome = false, onVoid }: Options,
): Answers {
  const { requests, block } = useAnswering();
  const [, navigate] = useLocation();
  const action = useAction();
  const { kind, conversation_id: id, user_id: userId } = request;
  const place = kind === "room" ? roomPlace(id) : privatePlace(userId);
  const gone = () => {
    if (goesHome) navigate(PATHS.requests);
  };
  return {
    isBusy: action.isBusy,
    problem: action.problem,
    accept: () =>
      void action.run(async () => {
        try {
          await requests.accept(id);
          navigate(pathOf(place));
        } catch (error) {
          if (!(error instanceof ApiError) || error.code !== "invitation_void") throw error;
          onVoid?.(sayError(error));
        }
      }),
    decline: () => void action.run(() => requests.decline(id).then(gone)),
    block: () => void action.run(() => block(userId).then(gone)),
  };
}

function useAnswering() {
  const client = useClient();
  return {
    requests: client.requests,
    block: async (userId: string) => {
      await client.block(userId);
      client.requests.read();
    },
  };
}
