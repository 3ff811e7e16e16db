import type { Connector } from "../job/connections.ts";
import type { AnyJob } from "../job/define-job.ts";
import { type InputFacts, type InputShape, inputFacts } from "../job/inputs.ts";
import { kebab } from "../job/names.ts";

/** An input as every face shows it. */
export interface DescribedInput extends InputFacts {
  /** camelCase, as in code and `task.json`. */
  readonly name: string;
  /** kebab-case, as in flags, `action.yml` and `lakeferry.yml`. */
  readonly flag: string;
  /** Set when the input names a connection: the kind it must be of. */
  readonly connection?: string;
}

/** All inputs of a job, its connections first: the one list that every face is made from. */
export function describeInputs(job: AnyJob, connectors: readonly Connector[]): readonly DescribedInput[] {
  const roles = Object.entries(job.needs as Record<string, string>).map(([role, type]): DescribedInput => {
    const connector = connectors.find((c) => c.type === type);
    return {
      name: role,
      flag: kebab(role),
      kind: "text",
      connection: type,
      help: `${connector?.summary.replace(/\.$/, "") ?? type}: the name of a connection in lakeferry.yml, or an address`,
    };
  });
  return [...roles, ...described(job.inputs as InputShape)];
}

/** The settings of a kind of connection, as `lakeferry.yml` names them. */
export function describeSettings(connector: Connector): readonly DescribedInput[] {
  return described(connector.settings);
}

function described(shape: InputShape): readonly DescribedInput[] {
  return Object.entries(shape).map(([name, schema]) => ({ name, flag: kebab(name), ...inputFacts(schema) }));
}
