/** What zod says of an edp.yaml → faults, each with its path from the root of the file. */
import type { z } from 'zod';
import { nearest } from '../base/nearest.js';
import { captureKeys, displacedKeyFault } from '../model/capture-schema.js';
import { NOTIFY_KEYS } from '../model/notify-schema.js';
import { knownKeys } from '../model/schema.js';
import { foreignKeyHint, laterKeyFault, warehouseKeys } from '../model/warehouse/known-keys.js';

export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** @param rootKeys the keys that the file may have */
export function toFaults(error: z.core.$ZodError, rootKeys: readonly string[]): Fault[] {
  return error.issues.flatMap((issue) => issueFaults(issue, issue.path, rootKeys));
}

/** @param path of the issue from the root of the file */
function issueFaults(
  issue: z.core.$ZodIssue,
  path: readonly PropertyKey[],
  rootKeys: readonly string[],
): Fault[] {
  const inside = (issues: readonly z.core.$ZodIssue[]) =>
    issues.flatMap((inner) => issueFaults(inner, [...path, ...inner.path], rootKeys));
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({
        path: [...path, key],
        message:
          laterKeyFault(key) ??
          displacedKeyFault(key, path) ??
          `"${key}" is not known here${meant(key, path, keysOf(path) ?? rootKeys)}`,
      }));
    case 'invalid_key':
      return issue.issues.map(({ message }) => ({ path, message }));
    case 'invalid_union': {
      // The form that is meant is an object, and faults are only inside of it, or between its keys.
      const form = issue.errors.find((issues) =>
        issues.every(
          ({ code, path: [first] }) =>
            first !== undefined || code === 'unrecognized_keys' || code === 'custom',
        ),
      );
      // Without a type, the forms as a whole are explained.
      const isOfType = (inner: z.core.$ZodIssue) => inner.path[0] === 'type';
      if (form !== undefined) {
        return form.some(isOfType)
          ? [{ path, message: describe(issue) }, ...inside(form.filter((each) => !isOfType(each)))]
          : inside(form);
      }
      // Of several forms, the user likely meant the one that fits best.
      const depth = (issues: readonly z.core.$ZodIssue[]) =>
        Math.max(0, ...issues.map((inner) => inner.path.length));
      const [furthest = []] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
      // If even that one fails at its first level, the message for all forms is more helpful.
      return depth(furthest) < 2 ? [{ path, message: describe(issue) }] : inside(furthest);
    }
    default:
      return [{ path, message: describe(issue) }];
  }
}

function keysOf(path: readonly PropertyKey[]): readonly string[] | undefined {
  if (path[0] === 'capture') return captureKeys(path);
  return path[0] === 'notify' ? NOTIFY_KEYS : (warehouseKeys(path) ?? knownKeys(path));
}

/** What edp.yaml calls the kinds of zod. */
const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  number: 'a number',
  object: 'keys with values',
  record: 'names, each with what it is',
  string: 'a text',
};

/** The message of the schema; where it has none, what was expected, in the words of edp.yaml. */
function describe(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith('Invalid input')) return issue.message;
  if (issue.message.endsWith('received undefined')) return 'it is missing';
  const kinds = expectedKinds(issue);
  return kinds.length === 0 ? issue.message : `expected ${[...new Set(kinds)].join(', or ')}`;
}

function expectedKinds(issue: z.core.$ZodIssue): string[] {
  if (issue.code === 'invalid_type') return [KINDS[issue.expected] ?? issue.expected];
  if (issue.code !== 'invalid_union') return [];
  return issue.errors
    .flat()
    .filter(({ path }) => path.length === 0)
    .flatMap(expectedKinds);
}

/** More keys than these are no help in a line; the schema of the file has them. */
const MOST_KEYS = 24;

function meant(key: string, path: readonly PropertyKey[], keys: readonly string[]): string {
  const instead = foreignKeyHint(key, path);
  if (instead !== undefined) return `; ${instead}`;
  const found = nearest(key, keys);
  if (found !== undefined) return `; did you mean "${found}"?`;
  const all = [...new Set(keys)];
  return all.length === 0 || all.length > MOST_KEYS ? '' : `; there are ${all.join(', ')}`;
}
