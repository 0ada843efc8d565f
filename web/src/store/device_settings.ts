// What is chosen for this browser alone.

import type { KeyValues } from "../session/credentials";
import { Cell } from "./cell";
import { keepIfPossible } from "./outgoing";

export interface DeviceSettings {
  /** Whether notifications are heard. */
  readonly sound: boolean;
  readonly density: Density;
}

export type Density = "comfortable" | "compact";

const KEY = "chatterroom.device";
const DEFAULTS: DeviceSettings = { sound: false, density: "comfortable" };

export class KeptDeviceSettings {
  readonly held: Cell<DeviceSettings>;
  private readonly storage: KeyValues;

  constructor(storage: KeyValues) {
    this.storage = storage;
    this.held = new Cell(this.load());
  }

  change(changes: Partial<DeviceSettings>): void {
    const now = { ...this.load(), ...changes };
    keepIfPossible(this.storage, KEY, JSON.stringify(now));
    this.held.set(now);
  }

  private load(): DeviceSettings {
    try {
      const kept = JSON.parse(this.storage.getItem(KEY) ?? "{}") as Partial<DeviceSettings>;
      const density = kept.density === "compact" ? "compact" : "comfortable";
      return { sound: kept.sound === true, density };
    } catch {
      return DEFAULTS;
    }
  }
}
