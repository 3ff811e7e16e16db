import type { RunEvent } from "../job/events.ts";
import { bytes, count, timeSpan } from "../job/quantities.ts";

/** How far the phase at work is, as one line of text; a fold over events that a terminal or an editor shows. */
export class Progress {
  readonly #now: () => number;
  #title = "";
  #text = "";
  #planned: { items: number; complete: boolean } | undefined;
  readonly #totals = new Map<string, { items: number; complete: boolean }>();
  #phase = "";
  #items = 0;
  #bytes = 0;
  #sealed = 0;
  #sealing = 0;
  #since = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  take(event: RunEvent): void {
    switch (event.type) {
      case "phase":
        this.#title = event.title;
        this.#text = "";
        this.#phase = event.phase;
        this.#planned = this.#totals.get(event.phase);
        this.#items = this.#bytes = this.#sealed = this.#sealing = 0;
        this.#since = this.#now();
        break;
      case "planned":
        this.#totals.set(event.phase, { items: event.totals.items, complete: event.complete });
        if (event.phase === this.#phase) this.#planned = this.#totals.get(event.phase);
        break;
      case "progress":
        this.#text = event.text;
        break;
      case "step-finished":
        this.#items += event.items;
        this.#bytes += event.bytes;
        break;
      case "sealing":
        this.#sealing = event.items;
        break;
      case "sealed":
        this.#sealing = 0;
        this.#sealed += event.items;
        break;
      case "reconciling":
        this.#title = "Counting source and destination";
        this.#text = "";
        this.#planned = undefined;
        this.#items = this.#bytes = 0;
        break;
    }
  }

  /** Items per second since the phase began. */
  get rate(): number {
    const seconds = (this.#now() - this.#since) / 1000;
    return seconds > 0 ? this.#items / seconds : 0;
  }

  /** Share of the plan that is done, when the whole plan is known. */
  get share(): number | undefined {
    const planned = this.#planned;
    return planned?.complete && planned.items > 0 ? Math.min(1, this.#items / planned.items) : undefined;
  }

  /** `Exporting changed folders  12,400 of 70,000 (17%) · 3,100/s · 62 MB · 12,000 sealed · 18 s left` */
  line(): string {
    const parts: string[] = [];
    if (this.#text) parts.push(this.#text);
    if (this.#items > 0 || this.#planned) {
      const share = this.share;
      const of = this.#planned?.complete ? ` of ${count(this.#planned.items)}` : "";
      parts.push(`${count(this.#items)}${of}${share === undefined ? "" : ` (${Math.floor(share * 100)}%)`}`);
      if (this.rate > 0) parts.push(`${count(Math.round(this.rate))}/s`);
      if (this.#bytes > 0) parts.push(bytes(this.#bytes));
      if (this.#sealing > 0) parts.push(`sealing ${count(this.#sealing)}`);
      if (this.#sealed > 0) parts.push(`${count(this.#sealed)} sealed`);
      if (share !== undefined && share < 1 && this.rate > 0)
        parts.push(`${timeSpan((this.#planned!.items - this.#items) / this.rate)} left`);
    }
    return `${this.#title}${parts.length > 0 ? `  ${parts.join(" · ")}` : ""}`;
  }
}
