/** JSON lines as a format of text: each line is a JSON object. */
import { LF, withLineEnd } from '../text/line-end.js';
import type { TextFormat } from '../text/text-format.js';
import { walkHead, walkTail } from '../text/walk-lines.js';
import type { JsonlForm } from './jsonl-form.js';
import { JsonlParser } from './jsonl-parser.js';
import { LineScanner } from './line-scanner.js';

const LINES = { lineEnd: 'lf', comment: Buffer.alloc(0) } as const;

export function jsonlFormat(form: JsonlForm): TextFormat {
  return {
    // A CR before the LF does not belong to the record.
    lineEnd: 'lf',
    endRecord: (raw) => withLineEnd(raw, 'lf'),
    newScanner: (watch) => new LineScanner(watch),
    newParser: () => new JsonlParser(form),
    walkHead: (bytes, header, watch) => walkHead(bytes, header, LINES, watch),
    walkTail: (bytes, watch) => walkTail(bytes, LINES, watch),
    // Inside a JSON string a line end is written as \n, so every LF ends a record.
    guessRecordStart: (bytes, from) => bytes.indexOf(LF, from - 1) + 1 || -1,
    newRecordSkipper: async () => undefined,
  };
}
