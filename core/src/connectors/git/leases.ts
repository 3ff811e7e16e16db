import { LakeferryError } from "../../job/errors.ts";
import type { Lease, LeaseHolder, LeaseStore } from "../../job/lease.ts";
import { signature } from "./committing.ts";
import type { Fetching } from "./fetching.ts";
import {
  type Entry,
  isAlive,
  type LeaseDocument,
  parseLease,
  sameHolder,
  thisMachine,
  validUntil,
} from "./lease-document.ts";
import { parseCommit } from "./objects.ts";
import type { Pushing } from "./pushing.ts";
import { listRefs } from "./refs.ts";
import type { Repository } from "./repository.ts";

export interface LeaseParts {
  readonly open: () => Promise<{ repository: Repository; fetching: Fetching; pushing: Pushing }>;
  readonly committer: string;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

/** Where leases are; the second is for servers that keep every other name to themselves. */
const folders = ["refs/lakeferry/leases/", "refs/heads/lakeferry-lease/"] as const;
/** How often a change is tried against others who change the same lease: shards of one run, and nobody else. */
const turns = 20;
/** How long giving a lease back may take when the run was cancelled. */
const releaseMs = 4000;

interface Found {
  readonly ref: string;
  readonly oid: string | undefined;
  readonly document: LeaseDocument;
}

/** The holders a lease shall have, or undefined when nothing is to change. */
type Edit = (holders: readonly Entry[]) => readonly Entry[] | undefined;

/**
 * Leases as refs of the repository: each points to a commit with an empty tree, whose message names the holders. A
 * lease is taken, renewed and given back by moving the ref from exactly what was read, so of two only one succeeds.
 */
export class GitLeases implements LeaseStore {
  readonly #parts: LeaseParts;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /**
   * Takes the lease, or joins the holders of the same group: its other shards, never another run of the same one, as
   * that of the night before. One who has not renewed for `ttlMs` (and some time for
   * clocks that differ), or whose process on this very machine is gone, is no holder. Asked twice by the same holder,
   * it renews.
   */
  async acquire(
    key: string,
    holder: LeaseHolder,
    options: { ttlMs: number; takeOver: boolean },
  ): Promise<Lease> {
    const entry = (): Entry => ({
      ...holder,
      ttlMs: options.ttlMs,
      machine: thisMachine(),
      renewedAt: new Date(this.#parts.now()).toISOString(),
    });
    await this.#change(key, (holders) => {
      const others = this.#alive(holders).filter((one) => !sameHolder(one, holder));
      const isStranger = (one: Entry) => one.group !== holder.group || one.shard === holder.shard;
      const stranger = others.find(isStranger);
      if (stranger && !options.takeOver) throw held(key, stranger, this.#parts.now());
      return [...others.filter((one) => !isStranger(one)), entry()];
    });
    let released: Promise<boolean> | undefined;
    return {
      renew: async () => {
        await this.#change(key, (holders) => {
          if (!holders.some((one) => sameHolder(one, holder))) throw lost(key, holders[0]);
          return holders.map((one) => (sameHolder(one, holder) ? entry() : one));
        });
      },
      release: (last) => {
        released ??= this.#release(key, holder, last);
        return released;
      },
    };
  }

  /** Gives a lease back, even when the run was cancelled: the next one need not wait. */
  async #release(key: string, holder: LeaseHolder, atLast?: () => Promise<void>): Promise<boolean> {
    let deadline: AbortSignal | undefined;
    const unpaced = () => {
      if (this.#parts.signal.aborted) deadline ??= AbortSignal.timeout(releaseMs);
      return deadline;
    };
    if (atLast && (await this.#isAlone(key, holder, unpaced()))) await atLast();
    let last = false;
    await this.#change(
      key,
      (holders) => {
        if (!holders.some((one) => sameHolder(one, holder))) return undefined;
        const rest = this.#alive(holders).filter((one) => !sameHolder(one, holder));
        last = rest.length === 0;
        return rest;
      },
      unpaced(),
    );
    return last;
  }

  async #isAlone(key: string, holder: LeaseHolder, unpaced?: AbortSignal): Promise<boolean> {
    const { document } = await this.#read(key, refPart(key), undefined, unpaced);
    return this.#alive(document.holders).every((one) => sameHolder(one, holder));
  }

  #alive(holders: readonly Entry[]): readonly Entry[] {
    const now = this.#parts.now();
    return holders.filter((one) => isAlive(one, now));
  }

  /** Reads the lease, edits its holders and moves the ref; from the start when somebody else moved it meanwhile. */
  async #change(key: string, edit: Edit, unpaced?: AbortSignal): Promise<void> {
    const name = refPart(key);
    let folder: string | undefined;
    for (let turn = 1; ; turn++) {
      const found = await this.#read(key, name, folder, unpaced);
      const holders = edit(found.document.holders);
      if (holders === undefined) return;
      try {
        await this.#move(found, { key, holders }, unpaced);
        return;
      } catch (error) {
        if (!(error instanceof LakeferryError)) throw error;
        if (error.code === "forbidden" && found.oid === undefined && !folder) folder = folders[1];
        else if (error.code !== "conflict" || turn === turns) throw error;
      }
    }
  }

  async #read(key: string, name: string, folder: string | undefined, unpaced?: AbortSignal): Promise<Found> {
    const { repository, fetching } = await this.#parts.open();
    const names = folders.map((one) => `${one}${name}`);
    const refs = await listRefs(repository, names, unpaced);
    const ref = refs.find((one) => names.includes(one.name));
    if (!ref)
      return { ref: `${folder ?? folders[0]}${name}`, oid: undefined, document: { key, holders: [] } };
    try {
      await fetching.commits([ref.oid], true, unpaced);
    } catch (error) {
      // It was moved or given back between the two questions: there is nothing to read there any more.
      if (error instanceof LakeferryError && error.code === "not-found")
        return this.#read(key, name, folder, unpaced);
      throw error;
    }
    const body = await repository.object(ref.oid, "commit", unpaced);
    return {
      ref: ref.name,
      oid: ref.oid,
      document: parseLease(parseCommit(ref.oid, body).message, ref.name),
    };
  }

  async #move(found: Found, document: LeaseDocument, unpaced?: AbortSignal): Promise<void> {
    const { repository, fetching, pushing } = await this.#parts.open();
    if (document.holders.length === 0) {
      await pushing.push([{ name: found.ref, from: found.oid, to: undefined }], { unpaced });
      return;
    }
    const tree = await repository.store("tree", new Uint8Array(), unpaced);
    const by = signature(this.#parts.committer, new Date(this.#parts.now()));
    const head = [
      `tree ${tree}`,
      // Each state follows the one before, so that the ref only moves forward.
      ...(found.oid ? [`parent ${found.oid}`] : []),
      `author ${by}`,
      `committer ${by}`,
    ];
    const body = Buffer.from(`${head.join("\n")}\n\n${JSON.stringify(document, null, 1)}\n`);
    const oid = await repository.store("commit", body, unpaced);
    await pushing.push([{ name: found.ref, from: found.oid, to: oid }], { unpaced });
    fetching.note(oid);
  }
}

/** A key as part of a ref's name: what git does not allow there is written as its code. */
function refPart(key: string): string {
  return Array.from(Buffer.from(key), (byte) =>
    /[A-Za-z0-9_-]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `=${byte.toString(16).padStart(2, "0")}`,
  ).join("");
}

function held(key: string, by: Entry, now: number): LakeferryError {
  const until = new Date(validUntil(by)).toISOString();
  const shard = by.shard ? ` (shard ${by.shard})` : "";
  return new LakeferryError(
    `"${key}" is held by run ${by.run}${shard} on ${by.host} since ${by.since}, and until ${until} unless it is renewed.`,
    {
      code: "lease-held",
      // Of a holder on this machine it is known that it is alive.
      ...(by.machine === thisMachine() ? {} : { retryAfterMs: validUntil(by) - now }),
      hint: "Wait for that run to end, or take its place with --take-over when it is dead.",
    },
  );
}

function lost(key: string, by: Entry | undefined): LakeferryError {
  const who = by ? `run ${by.run} on ${by.host} holds it now` : "nobody holds it now";
  return new LakeferryError(`The lease on "${key}" was lost: ${who}.`, {
    code: "lease-held",
    hint: "Another run took over, since this one had not renewed in time. Run again when that one has ended.",
  });
}
