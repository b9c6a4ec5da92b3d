/** The versions of a table: those that are published, as files, and the one that the model has. */
import { schemaPath } from '../events/change-event.js';
import type { EventTable } from '../events/event-table.js';
import type { Migration } from '../model/model.js';
import { compareShapes, type ShapeChange } from './compare-shapes.js';
import { type Lock, type PublishedFault, readText } from './published.js';
import { readShape, type SchemaShape } from './schema-shape.js';
import { schemaFiles } from './targets/json-schema/json-schema.js';

export function shapeOfModel(table: EventTable): SchemaShape {
  const [change, realized] = schemaFiles(table);
  return readShape(change!.text, realized!.text);
}

/** @param version one whose files are as they were published (findEdited) */
export async function readPublished(
  directory: string,
  table: string,
  version: number,
): Promise<SchemaShape> {
  const [change, realized] = await Promise.all(
    (['change', 'realized'] as const).map((kind) =>
      readText(directory, schemaPath(table, version, kind)),
    ),
  );
  return readShape(change ?? '{}', realized ?? '{}');
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

export function isPublished(lock: Lock, { name, version }: EventTable): boolean {
  return lock.has(schemaPath(name, version, 'change'));
}

/** Tables whose version is published as something else. */
export async function findChanged(
  directory: string,
  lock: Lock,
  tables: readonly EventTable[],
): Promise<PublishedFault[]> {
  const faults: PublishedFault[] = [];
  for (const table of tables) {
    if (!isPublished(lock, table)) continue;
    const { name, version } = table;
    const published = await readPublished(directory, name, version);
    if (compareWithModel(table, published, version).length === 0) continue;
    faults.push({ file: schemaPath(name, version), state: 'model-changed' });
  }
  return faults;
}
