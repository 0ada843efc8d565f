// How fast one socket may send. Pure. The server closes a socket that sends more than it allows.

/** An allowance that is spent by sending and refills with time. */
export class Pace {
  private allowance: number;
  private refilledAt: number;
  private readonly perS: number;
  private readonly burst: number;

  constructor(perS: number, burst: number, now: number) {
    this.perS = perS;
    this.burst = burst;
    this.allowance = burst;
    this.refilledAt = now;
  }

  /** Return how many milliseconds to wait before something may be sent. */
  delay(now: number): number {
    this.refill(now);
    return Math.max(0, ((1 - this.allowance) / this.perS) * 1000);
  }

  /** Take note that something is sent. */
  spend(now: number): void {
    this.refill(now);
    this.allowance -= 1;
  }

  private refill(now: number): void {
    const gained = (Math.max(0, now - this.refilledAt) / 1000) * this.perS;
    this.allowance = Math.min(this.burst, this.allowance + gained);
    this.refilledAt = now;
  }
}
