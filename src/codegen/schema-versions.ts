/** The versions of a table: those that are published, as files, and the one that the model has. */
import { schemaPath } from '../events/change-event.js';
import type { EventTable } from '../events/event-table.js';
import type { Migration } from '../model/model.js';
import { compareShapes, type ShapeChange } from './compare-shapes.js';
import { schemaFiles } from './json-schema.js';
import { hashText, type Lock, type PublishedFault, readText } from './published.js';
import { readShape, type SchemaShape } from './schema-shape.js';

export function shapeOfModel(table: EventTable): SchemaShape {
  const [change, realized] = schemaFiles(table);
  return readShape(change!.text, realized!.text);
}

export interface PublishedShape {
  readonly shape: SchemaShape | undefined;
  readonly faults: readonly PublishedFault[];
}

/** @returns no shape where a file is gone; a fault for each that is not as it was published */
export async function readPublished(
  directory: string,
  lock: Lock,
  table: string,
  version: number,
): Promise<PublishedShape> {
  const faults: PublishedFault[] = [];
  const read = async (kind: 'change' | 'realized') => {
    const file = schemaPath(table, version, kind);
    const text = await readText(directory, file);
    if (text === undefined) faults.push({ file, state: 'gone' });
    else if (hashText(text) !== lock.get(file)) faults.push({ file, state: 'edited' });
    return text;
  };
  const [change, realized] = [await read('change'), await read('realized')];
  const isWhole = change !== undefined && realized !== undefined && faults.length === 0;
  return { shape: isWhole ? readShape(change, realized) : undefined, faults };
}

/** The steps of `migrations:` behind a version, up to that of the model. */
export function stepsBehind(
  { migrations, version: last }: EventTable,
  version: number,
  end = last,
): Migration[] {
  const steps: Migration[] = [];
  for (let next = version + 1; next <= end; next++) {
    const step = migrations[next];
    if (step !== undefined) steps.push(step);
  }
  return steps;
}

export function compareWithModel(
  table: EventTable,
  published: SchemaShape,
  version: number,
): ShapeChange[] {
  return compareShapes(published, shapeOfModel(table), stepsBehind(table, version));
}

/** @returns undefined where the version that the model has is not published; else what is wrong with that */
export async function findFaults(
  directory: string,
  lock: Lock,
  table: EventTable,
): Promise<readonly PublishedFault[] | undefined> {
  const { name, version } = table;
  const file = schemaPath(name, version, 'change');
  if (!lock.has(file) && !lock.has(schemaPath(name, version, 'realized'))) return undefined;
  const { shape, faults } = await readPublished(directory, lock, name, version);
  if (shape === undefined) return faults;
  return compareWithModel(table, shape, version).length === 0
    ? []
    : [{ file, state: 'model-changed' }];
}
