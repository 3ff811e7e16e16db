/** What the sandbox has counted since its start or the last reset. Bytes are those of bodies, without headers. */
export interface StatsReport {
  requests: Record<string, number>;
  statuses: Record<string, number>;
  total: number;
  bytesReceived: number;
  bytesSent: number;
  /** The most requests that were being answered at the same time; above 1 only while uploads or faults take their time. */
  maxInFlight: number;
  connections: number;
  tokensIssued: number;
  faultHits: Record<string, number>;
}

/** Counts every request but those of the control API. */
export class Stats {
  #requests = new Map<string, number>();
  #statuses = new Map<number, number>();
  #inFlight = 0;
  #maxInFlight = 0;
  #received = 0;
  #sent = 0;
  connections = 0;

  /** A request begins. */
  begin(): void {
    if (++this.#inFlight > this.#maxInFlight) this.#maxInFlight = this.#inFlight;
  }

  /** Its body has been read. */
  received(endpoint: string, bytes: number): void {
    this.#requests.set(endpoint, (this.#requests.get(endpoint) ?? 0) + 1);
    this.#received += bytes;
  }

  /** It is over; status 0 means that it was broken off without an answer. */
  end(status: number, bytes: number): void {
    this.#inFlight--;
    this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1);
    this.#sent += bytes;
  }

  reset(): void {
    this.#requests.clear();
    this.#statuses.clear();
    this.#received = this.#sent = this.connections = 0;
    this.#maxInFlight = this.#inFlight;
  }

  report(): Omit<StatsReport, "tokensIssued" | "faultHits"> {
    return {
      requests: Object.fromEntries(this.#requests),
      statuses: Object.fromEntries(this.#statuses),
      total: [...this.#requests.values()].reduce((sum, n) => sum + n, 0),
      bytesReceived: this.#received,
      bytesSent: this.#sent,
      maxInFlight: this.#maxInFlight,
      connections: this.connections,
    };
  }
}
