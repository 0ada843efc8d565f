// Which numbers are held, as runs without a hole. Pure.

/** All numbers from `from` to `to`, both included. */
export interface Run {
  readonly from: number;
  readonly to: number;
}

/** Return the runs with one more number, joined where they touch, in ascending order. */
export function withNumber(runs: readonly Run[], number: number): readonly Run[] {
  // Nearly always the newest run grows at its end.
  const last = runs.at(-1);
  if (last === undefined || number > last.to + 1) return [...runs, { from: number, to: number }];
  if (number === last.to + 1) return [...runs.slice(0, -1), { from: last.from, to: number }];
  if (runAt(runs, number) !== null) return runs;
  let joined: Run = { from: number, to: number };
  const apart: Run[] = [];
  for (const run of runs) {
    if (run.to + 1 < number || run.from - 1 > number) apart.push(run);
    else joined = { from: Math.min(run.from, joined.from), to: Math.max(run.to, joined.to) };
  }
  return [...apart, joined].toSorted((one, two) => one.from - two.from);
}

/** Return the run that holds a number. */
export function runAt(runs: readonly Run[], number: number): Run | null {
  return runs.find((run) => run.from <= number && number <= run.to) ?? null;
}
