// One change at a time, and what became of it.

import { useCallback, useState } from "react";
import { sayError } from "../../session/errors";

export interface Action {
  readonly isBusy: boolean;
  /** Why the last one failed, for people. */
  readonly problem: string | null;
  /** Begin; resolves to whether it was done. While one is under way, nothing is begun. */
  run(task: () => Promise<unknown>): Promise<boolean>;
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const run = useCallback(
    async (task: () => Promise<unknown>) => {
      if (isBusy) return false;
      setBusy(true);
      setProblem(null);
      try {
        await task();
        return true;
      } catch (error) {
        setProblem(sayError(error));
        return false;
      } finally {
        setBusy(false);
      }
    },
    [isBusy],
  );
  return { isBusy, problem, run };
}
