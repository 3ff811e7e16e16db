import { expect, test } from "vitest";
import { expectCode, type Ran, type World, world } from "./world.ts";

/** Runs a script at the remote right after the target branch has moved: what the run then finds is not what it pushed. */
function behindTheBack(w: World, script: string): void {
  w.repository.hook(
    "post-receive",
    `while read old new ref; do case $ref in refs/heads/main)
export GIT_INDEX_FILE="$PWD/hook-index" GIT_AUTHOR_NAME=S GIT_AUTHOR_EMAIL=s@example.com GIT_COMMITTER_NAME=S GIT_COMMITTER_EMAIL=s@example.com
git read-tree refs/heads/main
${script}
git update-ref refs/heads/main $(git commit-tree $(git write-tree) -p refs/heads/main -m "behind the back")
;; esac; done`,
  );
}

function expectNamed(ran: Ran, equation: string, object: string): void {
  expectCode(ran, 1);
  expect(ran.finished.error.code).toBe("unbalanced");
  const wrong = ran.events.filter((e) => e.type === "reconciled" && !e.holds);
  expect(wrong.map((e) => e.equation.name)).toContain(equation);
  expect(wrong.flatMap((e) => e.equation.differences)).toContain(object);
}

const FILE = "/Clients/2024/ENG-101/NOTEBOOKS/etl";

async function filled(): Promise<World> {
  const w = await world({ tree: { notebooks: 30 } });
  await w.touch(FILE, "# Databricks notebook source\nprint(1)\n", { language: "PYTHON" });
  return w;
}

test("one blob taken out of the pushed tree fails the run and is named", async () => {
  const w = await filled();
  behindTheBack(w, `git rm -q --cached "${FILE.slice(1)}.py"`);
  expectNamed(await w.backup(), "contents", FILE.slice(1));
  // The next run puts it back.
  w.repository.hook("post-receive", "exit 0");
  expectCode(await w.backup(), 0);
  expect(w.repository.files().has(`${FILE.slice(1)}.py`)).toBe(true);
});

test("one blob replaced by another fails the run and is named", async () => {
  const w = await filled();
  behindTheBack(
    w,
    `git update-index --cacheinfo "100644,$(echo other | git hash-object -w --stdin),${FILE.slice(1)}.py"`,
  );
  expectNamed(await w.backup(), "contents", FILE.slice(1));
});

test("one line taken out of the manifest fails the run and is named", async () => {
  const w = await filled();
  behindTheBack(
    w,
    `for bucket in $(git ls-files .lakeferry/manifest); do
git show ":$bucket" > "$PWD/bucket"
grep -q '"path":"${FILE.slice(1)}"' "$PWD/bucket" || continue
grep -v '"path":"${FILE.slice(1)}"' "$PWD/bucket" > "$PWD/bucket-less"
git update-index --cacheinfo "100644,$(git hash-object -w "$PWD/bucket-less"),$bucket"
done`,
  );
  expectNamed(await w.backup(), "objects", FILE.slice(1));
});

test("a whole folder of the manifest taken out fails the run", async () => {
  const w = await filled();
  behindTheBack(w, "git rm -rq --cached .lakeferry/manifest");
  const ran = await w.backup();
  expectCode(ran, 1);
  expect(ran.finished.error.code).toBe("unbalanced");
});
