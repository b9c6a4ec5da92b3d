/** What a command printed with `--json`, held to the schemas that docs/json.schema.json is made of. */
import { z } from 'zod';
import {
  type CommandName,
  type FailureJson,
  failureSchema,
  isCommandName,
  type ResultOf,
  schemasOf,
} from '../../src/commands/json/results.js';

export type { CommandName };

/** Every key of a union, of the type it has where it is there. */
type AllKeys<U> = {
  readonly [K in U extends unknown ? keyof U : never]: U extends unknown
    ? K extends keyof U
      ? Exclude<U[K], undefined>
      : never
    : never;
};

/**
 * A test looks at the keys of all that a command may print, its failure too: which of them it printed, the
 * test says by what it expects. A key that no command prints does not compile.
 */
export type JsonOf<C extends CommandName> = AllKeys<ResultOf<C> | FailureJson>;

/** A file in the JSON of a load. */
/** Of one mode of `edp model`. */
export type ModelResult<A extends 'infer' | 'import'> = Extract<ResultOf<'model'>, { action: A }>;

export type LoadedFile = JsonOf<'ingest'>['files'][number];

/** The command of a command line whose first word is known to the compiler; else it may be any. */
export type CommandOf<A extends readonly string[]> = A extends readonly [
  infer First,
  ...(readonly unknown[]),
]
  ? First extends CommandName
    ? First
    : CommandName
  : CommandName;

/**
 * What a command line with `--json` printed; undefined without, and where the command was killed, or was
 * interrupted twice, before it had printed anything.
 */
export function readPrinted<const A extends readonly string[]>(
  args: A,
  stdout: string,
): JsonOf<CommandOf<A>> | undefined {
  return args.includes('--json') && stdout !== '' ? parseResult<CommandOf<A>>(stdout) : undefined;
}

/** @throws where it is not exactly one JSON object, or not one of those that its command may print */
export function parseResult<C extends CommandName = CommandName>(stdout: string): JsonOf<C> {
  const value: unknown = JSON.parse(stdout);
  nameResult(value);
  return value as JsonOf<C>;
}

/** @returns the name of the schema that the object fits @throws where it fits none */
export function nameResult(value: unknown): string {
  const { command } = z.looseObject({ command: z.unknown() }).parse(value);
  const schemas = isCommandName(command) ? schemasOf(command) : { 'no command': failureSchema };
  const misfits: string[] = [];
  for (const [name, schema] of Object.entries(schemas)) {
    const { error } = schema.safeParse(value);
    if (error === undefined) return name;
    misfits.push(`${name}:\n${z.prettifyError(error)}`);
  }
  throw new Error(
    `docs/json.schema.json has no such object: ${JSON.stringify(value)}\n${misfits.join('\n')}`,
  );
}

/** Rejects as a dry run tells them, which has no load. */
export function withoutLoads<R extends { readonly path: string; readonly loadId?: number }>(
  rejects: readonly R[],
): Omit<R, 'loadId'>[] {
  return rejects.map(({ loadId: _, ...reject }) => reject);
}
