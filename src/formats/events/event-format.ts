/** Change events as a format of text: each line is an event. */

import { openForm } from '../jsonl/jsonl-form.js';
import { jsonlFormat } from '../jsonl/jsonl-format.js';
import type { TextFormat } from '../text/text-format.js';
import type { EventForm } from './event-form.js';
import { EventParser } from './event-parser.js';

export function eventFormat(form: EventForm): TextFormat {
  return {
    ...jsonlFormat(openForm(form.encoding)),
    newParser: () => new EventParser(form),
  };
}
