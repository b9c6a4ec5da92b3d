/** An event of an older version of its table → one of today's, by the steps that the model declares. */
import { isObject } from '../../base/is-object.js';
import type { Attributes } from '../../events/change-event.js';
import type { EventTable } from '../../events/event-table.js';
import type { Migration } from '../../model/model.js';
import type { RawChange } from './raw-change.js';

type Data = RawChange['data'];

export function lift({ data, version, table }: RawChange): Data {
  let lifted = data;
  for (let step = version + 1; step <= table.declared.version; step++) {
    const migration = table.declared.migrations[step];
    if (migration !== undefined) lifted = liftOnce(lifted, migration);
  }
  return lifted;
}

function liftOnce(data: Data, migration: Migration): Data {
  const { key, after, before, errors } = data;
  const isWhole = data.op === 'create' || data.op === 'read';
  return {
    ...data,
    // What is no object is left to the schema.
    ...(isObject(key) ? { key: renameAll(key, migration) } : {}),
    ...(isObject(after)
      ? { after: { ...(isWhole ? migration.default : {}), ...renameAll(after, migration) } }
      : {}),
    ...(isObject(before) ? { before: renameAll(before, migration) } : {}),
    ...(isObject(errors) ? { errors: renameAll(errors, migration) } : {}),
  };
}

function renameAll(attributes: Attributes, { rename = {}, drop = [] }: Migration): Attributes {
  const names = Object.keys(attributes);
  return Object.fromEntries(
    names
      .filter((name) => !drop.includes(name))
      .map((name) => [Object.hasOwn(rename, name) ? rename[name]! : name, attributes[name]]),
  );
}

/**
 * The name that an attribute of today had in a version; undefined where it had none.
 *
 * @param version of the event
 */
export function nameIn(
  { version: today, migrations }: EventTable,
  name: string,
  version: number,
): string | undefined {
  let own = name;
  for (let step = today; step > version; step--) {
    const { rename = {}, drop = [] } = migrations[step] ?? {};
    const old = Object.keys(rename).find((one) => rename[one] === own);
    if (old === undefined && (drop.includes(own) || Object.hasOwn(rename, own))) return undefined;
    own = old ?? own;
  }
  return own;
}
