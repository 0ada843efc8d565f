// One value that views follow: for what is neither conversations nor people.

export class Cell<T> {
  private current: T;
  private readonly listeners = new Set<() => void>();

  constructor(value: T) {
    this.current = value;
  }

  readonly get = (): T => this.current;

  set(value: T): void {
    if (value === this.current) return;
    this.current = value;
    for (const listener of this.listeners) listener();
  }

  /** Call a listener after every change; return how to stop that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}
