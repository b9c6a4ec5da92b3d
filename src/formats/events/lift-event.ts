/** An event of an older version of its table → one of today's, by the steps that the model declares. */
import type { Attributes } from '../../events/change-event.js';
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
  const { key, after, before } = data;
  const isWhole = data.op === 'create' || data.op === 'read';
  return {
    ...data,
    ...(key === undefined ? {} : { key: renameAll(key, migration) }),
    ...(after === undefined
      ? {}
      : { after: { ...(isWhole ? migration.default : {}), ...renameAll(after, migration) } }),
    ...(before === undefined ? {} : { before: renameAll(before, migration) }),
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
