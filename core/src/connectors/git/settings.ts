import { choice, secret, text } from "../../job/inputs.ts";

/** The settings of a git connection, as `lakeferry.yml` names them. */
export const gitSettings = {
  url: text({
    help: "The repository: an https address, ssh (git@host:path), or a path. Never with a password in it",
    example: "https://github.com/acme/notebooks-backup.git",
    required: true,
  }),
  token: secret({ help: "A token that may write the repository's contents; ssh and paths need none" }),
  username: text({
    help: "The user the token belongs to, where the server asks for one. GitHub and Azure DevOps do not",
    advanced: true,
  }),
  authentication: choice(["basic", "bearer"], {
    help: "How the token is sent: basic for personal access tokens, bearer for Entra ID and System.AccessToken. Guessed from the token",
    advanced: true,
  }),
  caFile: text({
    help: "A PEM file with the authority that signed the server's certificate",
    advanced: true,
  }),
  committerName: text({ help: "Who commits", default: "Lakeferry", advanced: true }),
  committerEmail: text({ help: "The committer's address", default: "lakeferry@localhost", advanced: true }),
} as const;

/** Variables that fill settings. A CI host's own token is taken besides, but sent to that host's server alone. */
export const gitEnvironment = { token: ["LAKEFERRY_GIT_TOKEN", "GIT_TOKEN"] } as const;
