import type { Connector, ConnectorContext, Opened } from "../../job/connections.ts";
import type { Secret } from "../../job/secret.ts";
import { looksLikeAddress, parseAddress } from "./address.ts";
import { checkRepository } from "./checks.ts";
import { type CredentialSettings, chooseCredentials } from "./credentials.ts";
import { Fetching } from "./fetching.ts";
import { GitLeases } from "./leases.ts";
import type { GitReader } from "./port.ts";
import { Pushing } from "./pushing.ts";
import { type Open, Reader } from "./reader.ts";
import { gitVersion, Repository, type RepositoryOptions } from "./repository.ts";
import { gitEnvironment, gitSettings } from "./settings.ts";
import { Writer } from "./writer.ts";

interface Settings extends CredentialSettings {
  readonly url: string;
  readonly token?: Secret | undefined;
  readonly committerName: string;
  readonly committerEmail: string;
}

/** A git repository: backups are kept in it, as commits on branches, without a work tree. */
export const git: Connector<"git"> = {
  type: "git",
  summary: "A git repository by https, ssh or path, such as at GitHub or Azure DevOps",
  settings: gitSettings,
  environment: gitEnvironment,
  fromAddress: (address) => (looksLikeAddress(address) ? { url: address } : undefined),
  open: async (settings, context) => openGit(settings as unknown as Settings, context),
};

/** Nothing is started and nothing is asked of the remote before the first method is called. */
function openGit(settings: Settings, context: ConnectorContext): Opened<"git"> {
  const address = parseAddress(settings.url);
  const { env, pacer, signal, now } = context;
  const options: RepositoryOptions = {
    address,
    credentials: chooseCredentials(address, settings, env),
    env,
    pacer,
    signal,
  };
  const opened: Promise<Repository>[] = [];
  /** A new view of the remote, made when it is first used. */
  const view = (): Open => {
    let made: ReturnType<Open> | undefined;
    return () => {
      made ??= (async () => {
        const repository = context
          .temporaryFolder("git")
          .then((folder) => Repository.create(folder, options));
        opened.push(repository);
        return { repository: await repository, fetching: new Fetching(await repository) };
      })();
      return made;
    };
  };
  const another = (): GitReader => new Reader(address.url, view(), another);
  const open = view();
  let made: Promise<Pushing> | undefined;
  const pushing = () => {
    made ??= open().then(({ repository }) => new Pushing(repository));
    return made;
  };
  const committer = `${settings.committerName ?? "Lakeferry"} <${settings.committerEmail ?? "lakeferry@localhost"}>`;
  const leases = new GitLeases({
    open: async () => ({ ...(await open()), pushing: await pushing() }),
    committer,
    signal,
    now,
  });
  const write = new Writer({ address: address.url, open, another, pushing, leases, committer, signal });
  return {
    read: new Reader(address.url, open, another),
    write,
    identity: address.identity,
    check: () =>
      checkRepository({
        version: async () => gitVersion(await context.temporaryFolder("git-check"), env, signal),
        open: async () => (await open()).repository,
        now,
      }),
    close: async () => {
      await write.close();
      const repositories = await Promise.allSettled(opened);
      for (const one of repositories) if (one.status === "fulfilled") await one.value.close();
    },
  };
}
