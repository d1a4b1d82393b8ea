/** Something a charger is going to do at a moment of its own time. */
export interface Planned {
  readonly at: number;
  readonly run: () => void;
}

/**
 * What one charger is going to do, in order of its own time; equal times in order of planning. A charger
 * works through it strictly in this order however late an answer arrives, which is what makes a run a
 * function of its seed.
 */
export class Agenda {
  private readonly planned: Planned[] = [];

  add(at: number, run: () => void): Planned {
    const entry = { at, run };
    let index = this.planned.length;
    while (index > 0 && this.planned[index - 1]!.at > at) index--;
    this.planned.splice(index, 0, entry);
    return entry;
  }

  drop(entry: Planned | undefined): void {
    const index = entry === undefined ? -1 : this.planned.indexOf(entry);
    if (index >= 0) this.planned.splice(index, 1);
  }

  get next(): Planned | undefined {
    return this.planned[0];
  }

  take(): Planned | undefined {
    return this.planned.shift();
  }

  clear(): void {
    this.planned.length = 0;
  }
}
