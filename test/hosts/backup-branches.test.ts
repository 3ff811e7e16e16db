import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { expectBackup, expectCode, type World, world } from "./world.ts";

const findings = (ran: { events: readonly { type: string; kind?: string; item?: string }[] }) =>
  ran.events.filter((e) => e.type === "finding").map((e) => `${e.kind} ${e.item}`);

test("two shards, one after the other, make what one run makes", async () => {
  const w = await world({ tree: { notebooks: 120, engagements: 12 } });
  expectCode(await w.backup(["--branch", "whole"]), 0);
  expectCode(await w.backup(["--shard", "1/2"]), 0);
  expectCode(await w.backup(["--shard", "2/2"]), 0);
  expectBackup(w, w.objects());
  expect(w.repository.content()).toEqual(w.repository.content("whole"));
  await w.mutate({ changed: 10, deleted: 6, renamed: 4, added: 4 });
  expectCode(await w.backup(["--shard", "2/2"]), 0);
  expectCode(await w.backup(["--shard", "1/2"]), 0);
  expectCode(await w.backup(["--branch", "whole"]), 0);
  expectBackup(w, w.objects());
  expect(w.repository.content()).toEqual(w.repository.content("whole"));
  expect(w.repository.file("README.md").equals(w.repository.file("README.md", "whole"))).toBe(true);
});

test("two shards at the same time make what one run makes, first and incrementally", async () => {
  const w = await world({ tree: { notebooks: 120, engagements: 12 } });
  const both = async () => {
    const cwds = ["one", "two"].map((name) => ["--state", `file:${name}`]);
    const runs = await Promise.all([
      w.backup(["--shard", "1/2", ...cwds[0]!]),
      w.backup(["--shard", "2/2", ...cwds[1]!]),
    ]);
    for (const ran of runs) expectCode(ran, 0);
  };
  // Neither moves main before both have begun, so that the second always finds it moved.
  w.repository.hook(
    "pre-receive",
    `while read old new ref; do case $ref in
refs/heads/backup/*.[12]-of-2) touch "$GIT_DIR/begun-${"$"}{ref##*.}" ;;
refs/heads/main) n=0; while [ $n -lt 200 ] && [ "$(ls "$GIT_DIR" | grep -c begun-)" -lt 2 ]; do sleep 0.1; n=$((n+1)); done ;;
esac; done
exit 0`,
  );
  const again = () => {
    for (const part of ["1-of-2", "2-of-2"]) rmSync(join(w.repository.path, `begun-${part}`));
  };
  await both();
  again();
  expectBackup(w, w.objects());
  expectCode(await w.verify(["--sample", "10%"]), 0);
  await w.mutate({ changed: 10, deleted: 6, renamed: 4, added: 4 });
  await both();
  expectBackup(w, w.objects());
  expectCode(await w.backup(["--branch", "whole"]), 0);
  expect(w.repository.content()).toEqual(w.repository.content("whole"));
  expect(w.repository.file("README.md").equals(w.repository.file("README.md", "whole"))).toBe(true);
  const leases = [...w.repository.refs().keys()].filter((name) => name.includes("lease"));
  expect(leases).toEqual([]);
});

test("shard-by year writes a branch a year", async () => {
  const w = await world({ tree: { notebooks: 60, engagements: 3 } });
  await w.touch("/Shared/lib.py", "x = 1\n", { type: "FILE" });
  expectCode(await w.backup(["--shard-by", "year"]), 0);
  const branches = ["main", "main-2023", "main-2024", "main-2025"];
  expect(w.repository.branches()).toEqual(branches);
  expectBackup(w, w.objects(), { refs: branches });
  for (const branch of branches.slice(1))
    for (const { path } of w.repository.manifest(branch)) expect(path).toContain(`/${branch.slice(-4)}/`);
  expect(w.repository.tags().length).toBe(4);
  await w.mutate({ changed: 5, deleted: 3, renamed: 3, added: 2 });
  expectCode(await w.backup(["--shard-by", "year"]), 0);
  expectBackup(w, w.objects(), { refs: branches });
  // A year that is gone from the workspace leaves an empty branch, not an old one.
  await w.remove("/Clients/2023");
  expectCode(await w.backup(["--shard-by", "year"]), 0);
  expectBackup(w, w.objects(), { refs: branches });
});

test("archive-before moves old engagements to an archive branch", async () => {
  const w = await world({ tree: { notebooks: 90 } });
  expectCode(await w.backup(), 0);
  expectCode(await w.backup(["--archive-before", "2024"]), 0);
  expect(w.repository.branches()).toEqual(["main", "main-archive"]);
  expectBackup(w, w.objects(), { refs: ["main", "main-archive"] });
  expect(w.repository.manifest("main-archive").every(({ path }) => path.startsWith("Clients/2023/"))).toBe(
    true,
  );
  expect(w.repository.manifest().some(({ path }) => path.startsWith("Clients/2023/"))).toBe(false);
});

test("a backup in a folder of a repository leaves everything else alone", async () => {
  const w = await world({ tree: { notebooks: 50 } });
  w.repository.commit("main", {
    "README.md": "# Ours\n",
    "src/app.py": "print(1)\n",
    "workspace/NOTES.md": "notes\n",
    "workspace/README.md": "# Written by hand\n",
  });
  const folder = ["--folder", "/workspace/"];
  const ran = await w.backup(folder);
  expectCode(ran, 0);
  const extra = ["README.md", "src/app.py", "workspace/NOTES.md", "workspace/README.md"];
  expectBackup(w, w.objects(), { folder: "workspace", extra });
  expect(w.repository.file("README.md").toString()).toBe("# Ours\n");
  expect(w.repository.file("workspace/README.md").toString()).toBe("# Written by hand\n");
  expect(ran.events.some((e) => e.type === "warning" && e.item.endsWith("README.md"))).toBe(true);
  await w.mutate({ changed: 3, deleted: 2, renamed: 2 });
  expectCode(await w.backup(folder), 0);
  expectBackup(w, w.objects(), { folder: "workspace", extra });
  expectCode(await w.verify(folder), 0);
  // The root of the same branch can hold another backup.
  expectCode(await w.backup(["--path", "/Clients/2023"]), 0);
  expectCode(await w.verify(), 0);
  expectCode(await w.verify(folder), 0);
});

test("foreign files of a repository and a foreign README are kept", async () => {
  const w = await world({ tree: { notebooks: 50 } });
  w.repository.commit("main", {
    "README.md": "# Ours\n",
    "docs/how to.md": "how\n",
    ".gitignore": "*.pyc\n",
  });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects(), { extra: ["docs/how to.md"] });
  expect(w.repository.file("README.md").toString()).toBe("# Ours\n");
  expect(w.repository.file(".gitignore").toString()).toBe("*.pyc\n");
  expect(w.repository.file(".gitattributes").toString()).toContain("* -text");
});

test("edits that others made inside the backup are reported and replaced", async () => {
  const w = await world({ tree: { notebooks: 50 } });
  expectCode(await w.backup(), 0);
  const [edited, deleted] = w.repository.manifest().map(({ file }) => file);
  w.repository.commit("main", {
    [edited!]: "changed by hand\n",
    [deleted!]: null,
    "Clients/NOTES.md": "mine\n",
  });
  const ran = await w.backup();
  expectCode(ran, 0);
  expect(findings(ran).sort()).toEqual([`conflict ${deleted}`, `conflict ${edited}`].sort());
  expectBackup(w, w.objects(), { extra: ["Clients/NOTES.md"] });
  // Once told, it is over.
  const next = await w.backup();
  expectCode(next, 0);
  expect(findings(next)).toEqual([]);
});

/** A script for the remote: at the first push of a working branch, somebody else commits to main. */
function somebodyElse(w: World, files: Record<string, string>): void {
  const lines = Object.entries(files).map(
    ([path, text]) =>
      `blob=$(printf '%s' '${text}' | git hash-object -w --stdin)\ngit update-index --add --cacheinfo "100644,$blob,${path}"`,
  );
  w.repository.hook(
    "post-receive",
    `while read old new ref; do case $ref in refs/heads/backup/*)
[ -e "$GIT_DIR/done-once" ] && exit 0
touch "$GIT_DIR/done-once"
export GIT_INDEX_FILE="$PWD/hook-index" GIT_AUTHOR_NAME=S GIT_AUTHOR_EMAIL=s@example.com GIT_COMMITTER_NAME=S GIT_COMMITTER_EMAIL=s@example.com
parent=$(git rev-parse --verify -q refs/heads/main)
git read-tree \${parent:---empty}
${lines.join("\n")}
made=$(git commit-tree $(git write-tree) \${parent:+-p $parent} -m "meanwhile")
git update-ref refs/heads/main $made
;; esac; done`,
  );
}

test("a target branch that moves during the run is merged; edits inside the backup lose and are told", async () => {
  const w = await world({ tree: { notebooks: 50 } });
  w.repository.commit("main", { "docs/a.md": "a\n", "docs/b.md": "b\n" });
  expectCode(await w.backup(), 0);
  const before = w.repository.head();
  await w.mutate({ changed: 5, deleted: 2, renamed: 2 });
  const inside = w.repository.manifest()[0]!.file;
  somebodyElse(w, { "docs/a.md": "new a", [inside]: "edited meanwhile", "docs/c.md": "c" });
  const ran = await w.backup();
  expectCode(ran, 0);
  expectBackup(w, w.objects(), { extra: ["docs/a.md", "docs/b.md", "docs/c.md"] });
  expect(w.repository.file("docs/a.md").toString()).toBe("new a");
  expect(findings(ran)).toEqual([`conflict ${inside}`]);
  const parents = w.repository.git("rev-list", "--parents", "-1", "main").split(" ");
  expect(parents.length).toBe(3);
  expect(w.repository.message(parents[2]!)).toBe("meanwhile");
  expect(w.repository.git("merge-base", "--is-ancestor", before, "main")).toBe("");
  expect(w.repository.branches()).toEqual(["main"]);
});

test("a branch that somebody makes during the first run is merged as well", async () => {
  const w = await world({ tree: { notebooks: 50 } });
  somebodyElse(w, { "docs/a.md": "a" });
  expectCode(await w.backup(), 0);
  expectBackup(w, w.objects(), { extra: ["docs/a.md"] });
  expect(w.repository.git("rev-list", "--parents", "-1", "main").split(" ").length).toBe(3);
});

test("a branch that holds another backup is refused", async () => {
  const w = await world({ tree: { notebooks: 30 } });
  expectCode(await w.backup(), 0);
  const head = w.repository.head();
  const other = await w.backup(["--path", "/Clients/2024"]);
  expectCode(other, 2);
  expect(other.finished.error.message).toContain("holds a backup of / of");
  const elsewhere = await world({ tree: { notebooks: 30 }, repository: w.repository });
  expectCode(await elsewhere.backup(), 2);
  expect(w.repository.head()).toBe(head);
  const name = await w.backup(["--branch", "backup"]);
  expectCode(name, 2);
});
