// Commands that wait for an answer, and which of them is to be sent next. Pure.
//
// A lane is a conversation. Within a lane commands are sent in the order in which they were put
// in, on every connection again until they are answered.

export interface Outgoing {
  readonly ref: string;
  readonly lane: string;
  readonly text: string;
  /** Sending it again does nothing twice. */
  readonly repeatable: boolean;
}

interface Waiting extends Outgoing {
  readonly number: number;
  /** How often the server has asked to try again. */
  postponed: number;
  notBefore: number;
  sent: boolean;
}

/**
 * The commands of one session, in order. After the server has asked to try one of a lane again,
 * the lane goes one by one until that one is answered: nothing more overtakes it.
 */
export class Outbox {
  private readonly all = new Map<string, Waiting>();
  private unsent: Waiting[] = [];
  private readonly probing = new Map<string, string>();
  private count = 0;

  get size(): number {
    return this.all.size;
  }

  /** Add a command behind all others. */
  put(command: Outgoing): void {
    const waiting = { ...command, number: this.count++, postponed: 0, notBefore: 0, sent: false };
    this.all.set(command.ref, waiting);
    this.unsent.push(waiting);
  }

  /** Return how often a command was postponed; undefined where nobody waits for it. */
  postponements(ref: string): number | undefined {
    return this.all.get(ref)?.postponed;
  }

  isRepeatable(ref: string): boolean {
    return this.all.get(ref)?.repeatable ?? false;
  }

  /** Return the command to send now, and count it as sent on this connection. */
  nextDue(now: number): Outgoing | null {
    const held = new Set(this.probing.keys());
    for (const [index, command] of this.unsent.entries()) {
      if (held.has(command.lane)) continue;
      if (command.notBefore <= now) {
        this.unsent.splice(index, 1);
        command.sent = true;
        if (command.postponed > 0) this.probing.set(command.lane, command.ref);
        return command;
      }
      held.add(command.lane);
    }
    return null;
  }

  /** Return when time alone will make a command due; null where nothing waits for time. */
  nextTime(): number | null {
    const times = this.unsent
      .filter((command) => !this.probing.has(command.lane))
      .map((command) => command.notBefore);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Forget a command: it has its answer, or nobody waits for one any more. */
  answered(ref: string): void {
    const command = this.all.get(ref);
    if (command === undefined) return;
    this.all.delete(ref);
    if (!command.sent) this.unsent = this.unsent.filter((each) => each !== command);
    this.endProbe(command);
  }

  /** Send a command again, not before a moment: the server could not do it for now. */
  postpone(ref: string, until: number): void {
    const command = this.all.get(ref);
    if (command === undefined || !command.sent) return;
    this.endProbe(command);
    command.postponed += 1;
    command.notBefore = until;
    this.putBack([command]);
  }

  /** Return the refs whose fate is unknown and stays so; send all others again. */
  disconnected(): string[] {
    this.probing.clear();
    const sent = [...this.all.values()].filter((command) => command.sent);
    this.putBack(sent.filter((command) => command.repeatable));
    const unknown = sent.filter((command) => !command.repeatable);
    for (const command of unknown) this.all.delete(command.ref);
    return unknown.map((command) => command.ref);
  }

  private putBack(commands: Waiting[]): void {
    for (const command of commands) command.sent = false;
    this.unsent = [...this.unsent, ...commands].toSorted((one, two) => one.number - two.number);
  }

  private endProbe(command: Waiting): void {
    if (this.probing.get(command.lane) === command.ref) this.probing.delete(command.lane);
  }
}
