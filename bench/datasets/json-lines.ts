/** The very records of a file of events as lines of JSON. */
import { open, stat } from 'node:fs/promises';
import type { Dataset } from './dataset.js';
import { hashFile, readLines } from './events.js';

/** How the metrics stand in a line: as they are, or as the text of a string, such as CSV has. */
export type MetricsForm = 'object' | 'string';

/** The one form in which clean records come; a record that differs is not replaced, and counted missing. */
const RECORD = /^(\d+),([^",]+),([^",]+),(\d+),(\d+),"(\{.*\})"\n/gm;

export async function writeJsonLines(dataset: Dataset, form: MetricsForm): Promise<Dataset> {
  const source = dataset.files[0]!;
  const file = `${source.slice(0, -'.csv'.length)}-${form}.jsonl`;
  const output = await open(file, 'w');
  let written = 0;
  try {
    for await (const text of readLines(source)) {
      const lines = text.replace(RECORD, (_, ...fields: string[]) => {
        written++;
        return toLine(fields, form);
      });
      await output.write(lines, null, 'latin1');
    }
  } finally {
    await output.close();
  }
  if (written !== dataset.rows) {
    throw new Error(`${source}: ${written} of ${dataset.rows} events could be written as JSON`);
  }
  return {
    ...dataset,
    name: `${dataset.name}_jsonl_${form}`,
    title: `${dataset.title}, as lines of JSON, metrics as ${form}`,
    files: [file],
    bytes: (await stat(file)).size,
    sha256: await hashFile(file),
    flat: undefined,
    encoded: [],
  };
}

function toLine(fields: readonly string[], form: MetricsForm): string {
  const [id, recorded, created, first, second, doubled] = fields;
  const json = doubled!.replaceAll('""', '"');
  const metrics = form === 'object' ? json : `"${json.replaceAll('"', '\\"')}"`;
  return `{"id":${id},"recorded_date":"${recorded}","created_date":"${created}","first_dimension_id":${first},"second_dimension_id":${second},"event_metrics":${metrics}}\n`;
}
