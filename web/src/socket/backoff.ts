// How long to wait before another attempt. Pure.

/** Return a random delay between 0 and a bound that doubles with each attempt, up to a cap. */
export function fullJitter(
  attempt: number,
  baseMs: number,
  capMs: number,
  random: () => number,
): number {
  return random() * Math.min(capMs, baseMs * 2 ** Math.min(attempt, 64));
}

/** Delays that grow with every failure until `reset`. */
export class Backoff {
  private attempt = 0;
  private readonly baseMs: number;
  private readonly capMs: number;
  private readonly random: () => number;

  constructor(baseMs: number, capMs: number, random: () => number = Math.random) {
    this.baseMs = baseMs;
    this.capMs = capMs;
    this.random = random;
  }

  /** Count a failure and return how long to wait. */
  nextDelay(): number {
    const delay = fullJitter(this.attempt, this.baseMs, this.capMs, this.random);
    this.attempt += 1;
    return delay;
  }

  /** Begin again with short delays. */
  reset(): void {
    this.attempt = 0;
  }
}
