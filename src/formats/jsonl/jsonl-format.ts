/** JSON lines, as whoever reads records of a text sees them: a JSON object in each line. */
import { LF } from '../text/line-end.js';
import type { TextFormat } from '../text/text-format.js';
import type { JsonlForm } from './jsonl-form.js';
import { JsonlParser } from './jsonl-parser.js';
import { LineScanner } from './line-scanner.js';

export function jsonlFormat(form: JsonlForm): TextFormat {
  return {
    // A CR before the LF is none of the record.
    lineEnd: 'lf',
    newScanner: () => new LineScanner(),
    newParser: () => new JsonlParser(form),
    // Inside of a JSON string a line end is written as \n: every LF ends a record.
    guessRecordStart: (bytes, from) => bytes.indexOf(LF, from - 1) + 1 || -1,
    newPassOver: async () => undefined,
  };
}
