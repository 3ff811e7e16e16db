import type { Planned } from "./generate.ts";

const MIB = 1024 * 1024;

/** Three notebooks whose SOURCE is above 10 MiB and whose DBC archive is below, and a FILE of 12 MB. */
export function bigObjects(): Planned[] {
  const notebook = (name: string, mib: number): Planned => ({
    name,
    make: (writer, key) => writer.notebook(key, { bytes: mib * MIB, language: "PYTHON" }),
  });
  return [
    notebook("big_lookup_tables", 11),
    notebook("big_generated_rules", 12),
    notebook("big_history", 14),
    {
      name: "readings_2024.csv",
      make: (writer, key) => ({ type: "FILE", content: writer.file(key, 12_000_000) }),
    },
  ];
}

/** Notebooks of embedded data that hardly compress: each is below the limit, their folder's export is above it. */
export function heavyObjects(): Planned[] {
  return Array.from({ length: 36 }, (_, i) => ({
    name: `embedded_model_${String(i + 1).padStart(2, "0")}`,
    make: (writer, key) => writer.embedded(key, 420_000),
  }));
}
