/** All formats of files; model/file-settings.ts has their names for options. */
import { type Format, isEventFormat } from '../model/file-settings.js';
import { csvFiles } from './csv/csv-files.js';
import { cloudeventFiles, debeziumFiles } from './events/event-files.js';
import { jsonlFiles } from './jsonl/jsonl-files.js';
import type { InputFormat } from './text/input-format.js';

const FORMATS = {
  csv: csvFiles,
  jsonl: jsonlFiles,
  cloudevents: cloudeventFiles,
  debezium: debeziumFiles,
} as const satisfies Readonly<Record<Format, unknown>>;

type AnyFormat = (typeof FORMATS)[Format];

/** What is known of a file before its records are read. */
export type FileDescription = ReturnType<AnyFormat['describeSample']>;
/** What a load remembers of how its file is read, by its format. Plain data: the ledger keeps it as JSON. */
export type Reading = ReturnType<AnyFormat['readingOf']>;

/** The form of a file, as `--json` has it. */
export type FormSummary = ReturnType<AnyFormat['summarize']>;

/** The format of that name, for what is known to be of it. */
export function formatNamed(name: Format) {
  // Each of them takes what has its own name.
  return FORMATS[name] as unknown as InputFormat<
    object,
    FileDescription['recordForm'],
    FileDescription,
    Reading,
    FormSummary
  >;
}

/** Formats by the suffixes of their files. */
export const FORMAT_OF_SUFFIX: ReadonlyMap<string, Format> = new Map(
  (Object.keys(FORMATS) as Format[]).flatMap((name) =>
    FORMATS[name].suffixes.map((suffix) => [suffix, name] as const),
  ),
);

/** Formats that the first lines of a file show. Change events are JSON lines, too, so it must be known that they are meant. */
export function formatsByContent(hasEvents: boolean) {
  return (Object.keys(FORMATS) as Format[]).flatMap((name) => {
    const { content } = formatNamed(name);
    return content === undefined || isEventFormat(name) !== hasEvents ? [] : [{ name, ...content }];
  });
}
