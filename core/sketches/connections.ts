/**
 * Connections of families that do not exist yet, as small as the sketches beside this file need them. They are added
 * to the product's types in this TypeScript project alone (tsconfig.json beside it): the product does not know them.
 */
import type { LeaseStore } from "../src/job/lease.ts";

export interface PostgresReader {
  /** The highest id of each range of `size` rows after `after`, in the order of the ids. */
  ranges(o: { table: string; size: number; minBytes: number; after: string | undefined }): AsyncIterable<{
    readonly to: string;
    readonly rows: number;
    readonly bytes: number;
  }>;
  rows(o: { table: string; after: string; to: string }): AsyncIterable<Record<string, string>>;
  count(sql: string): Promise<bigint>;
}

export interface ClaimedFile {
  readonly id: string;
  readonly path: string;
  readonly bytes: number;
  content(): AsyncIterable<Uint8Array>;
}

export interface PostgresWriter extends PostgresReader {
  readonly leases: LeaseStore;
  /** Rows of a range that no living runner holds: FOR UPDATE SKIP LOCKED. */
  claim(o: { table: string; after: string; to: string }): AsyncIterable<ClaimedFile>;
  /** Sets the pointers of many rows in one transaction. */
  point(
    rows: readonly { readonly id: string; readonly path: string; readonly sha256: string }[],
  ): Promise<void>;
}

export interface CosmosReader {
  count(container: string): Promise<bigint>;
  throughput(container: string): Promise<number>;
  /** What an earlier run recorded before it changed something for the time of the run. */
  recorded(container: string): Promise<{ readonly throughput: number } | undefined>;
}

export interface CosmosWriter extends CosmosReader {
  readonly leases: LeaseStore;
  record(container: string, before: { readonly throughput: number } | undefined): Promise<void>;
  setThroughput(container: string, perSecond: number): Promise<void>;
  upsert(
    container: string,
    documents: readonly Record<string, unknown>[],
  ): Promise<{ readonly rejected: readonly string[] }>;
}

export interface SqliteReader {
  lastRow(table: string): Promise<number>;
  rows(table: string, after: number, to: number): AsyncIterable<Record<string, unknown>>;
}

export interface S3Reader {
  list(prefix: string): AsyncIterable<{ readonly key: string; readonly bytes: number }>;
}
export interface S3Writer extends S3Reader {
  readonly leases: LeaseStore;
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<{ readonly bytes: number }>;
}

declare module "../src/job/connections.ts" {
  interface Connections {
    postgres: Port<PostgresReader, PostgresWriter>;
    cosmos: Port<CosmosReader, CosmosWriter>;
    sqlite: Port<SqliteReader, SqliteReader>;
    s3: Port<S3Reader, S3Writer>;
  }
}

/** What Databricks gains with files and tables. */
declare module "../src/connectors/databricks/port.ts" {
  interface DatabricksReader {
    readonly files: {
      sha256(path: string): Promise<string>;
      list(path: string): AsyncIterable<{ readonly path: string }>;
    };
    readonly sql: { count(statement: string): Promise<bigint> };
  }
  interface DatabricksWriter {
    readonly files: DatabricksReader["files"] & {
      upload(
        path: string,
        body: AsyncIterable<Uint8Array>,
      ): Promise<{ readonly sha256: string; readonly bytes: number }>;
    };
    readonly sql: DatabricksReader["sql"] & { run(statement: string): Promise<void> };
    readonly leases: LeaseStore;
  }
}
