import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { root } from "./run-tool.ts";

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly text: string;
}

const SIGN = /^(licen[cs]e|copying|notice)/i;

/** The licences of the packages that files come from, with their texts. @throws for a package that names no licence */
export async function licences(files: readonly string[]): Promise<string> {
  const folders = new Set<string>();
  for (const file of files) {
    const folder = /^.*node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(resolve(root, file))?.[0];
    if (folder) folders.add(folder);
  }
  const found = await Promise.all([...folders].map(read));
  const packages = [...new Map(found.map((one) => [`${one.name}@${one.version}`, one])).values()];
  packages.sort((a, b) => (`${a.name}@${a.version}` < `${b.name}@${b.version}` ? -1 : 1));
  const list = packages.map(({ name, version, license }) => `- ${name} ${version}: ${license}`);
  const texts = packages.map(
    ({ name, version, text }) => `${"=".repeat(78)}\n${name} ${version}\n\n${text.trim()}\n`,
  );
  return `Packages that are part of this bundle, with their licences.\n\n${list.join("\n")}\n\n${texts.join("\n")}`;
}

async function read(folder: string): Promise<Package> {
  const { name, version, license } = JSON.parse(
    await readFile(join(folder, "package.json"), "utf8"),
  ) as Package;
  if (typeof license !== "string") throw new Error(`${name} in ${dirname(folder)} names no licence.`);
  const names = (await readdir(folder)).filter((file) => SIGN.test(file)).sort();
  const texts = await Promise.all(names.map((file) => readFile(join(folder, file), "utf8")));
  return {
    name,
    version,
    license,
    text: texts.join("\n") || `(The package comes without a text; its licence is ${license}.)`,
  };
}
