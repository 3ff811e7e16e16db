import { count } from "../../../job/quantities.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { placeOf } from "./partitioning.ts";

/** The first line of a page that Lakeferry writes: a file without it is somebody else's, and left alone. */
export const MARK = "<!-- Written by Lakeferry. Changes are lost with the next backup. -->";
const HASH_MARK = "# Written by Lakeferry. Changes are lost with the next backup.";

/** Files beside the backup for people and for git, by path; the same for the same backup. */
export function backupPages(
  manifest: Manifest,
  backup: { readonly root: string; readonly host: string },
): ReadonlyMap<string, string> {
  return new Map([
    ["README.md", readme(manifest, backup)],
    [
      ".gitattributes",
      `${HASH_MARK}\n# The bytes are those of the workspace: git must not change line ends.\n* -text\n*.ipynb linguist-generated\n.lakeferry/** linguist-generated\n`,
    ],
    [".gitignore", `${HASH_MARK}\n# Nothing is ignored: every file here is in the backup.\n`],
  ]);
}

/** Whether a file was written by `backupPages`. */
export function isOurs(content: Buffer): boolean {
  const text = content.toString("utf8", 0, 200);
  return text.startsWith(MARK) || text.startsWith(HASH_MARK);
}

function readme(
  manifest: Manifest,
  { root, host }: { readonly root: string; readonly host: string },
): string {
  const places = new Map<string, Map<string, { objects: number; folder: string }>>();
  let objects = 0;
  for (const folder of manifest.folders()) {
    const living = manifest.livingIn(folder);
    if (living.file === undefined) continue;
    objects += living.objects;
    const { year = "", engagement = folder.split("/")[0] ?? "" } = placeOf(folder);
    const group = places.get(year) ?? new Map<string, { objects: number; folder: string }>();
    places.set(year, group);
    const known = group.get(engagement);
    group.set(engagement, {
      objects: (known?.objects ?? 0) + living.objects,
      folder: known?.folder ?? fileFolder(living.file, folder, engagement),
    });
  }
  const out = [
    MARK,
    "",
    `# Backup of \`${root}\``,
    "",
    `${count(objects)} objects of ${host}.`,
    "",
    "How to restore: `lakeferry notebooks restore --help`. What is here and how it was exported stands in `.lakeferry/`.",
    "",
  ];
  for (const [year, group] of [...places].sort(([a], [b]) => (a < b ? 1 : -1))) {
    const total = [...group.values()].reduce((sum, one) => sum + one.objects, 0);
    out.push(
      `## ${year === "" ? "Other folders" : year}`,
      "",
      `| ${year === "" ? "folder" : "engagement"} | objects |`,
      "| --- | ---: |",
    );
    for (const [name, one] of [...group].sort(([a], [b]) => (a < b ? -1 : 1)))
      out.push(`| [${cell(name === "" ? "/" : name)}](${link(one.folder)}) | ${count(one.objects)} |`);
    out.push(`| all | ${count(total)} |`, "");
  }
  return `${out.join("\n").trimEnd()}\n`;
}

/** The folder of the repository that holds an engagement: as many parts of the file's path as its workspace folder has up to it. */
function fileFolder(file: string, folder: string, engagement: string): string {
  const depth = folder === "" ? 0 : folder.split("/").indexOf(engagement) + 1;
  return file
    .split("/")
    .slice(0, Math.min(depth, file.split("/").length - 1))
    .join("/");
}

function cell(text: string): string {
  return text.replace(/[\\|[\]<>`*_]/g, "\\$&").replace(/[\r\n]/g, " ");
}

function link(path: string): string {
  return path === "" ? "." : path.split("/").map(encodeURIComponent).join("/");
}
