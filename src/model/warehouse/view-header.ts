/** The comment at the top of a view's file, as a report has one: title, description, question. */

const KEYS = ['title', 'description', 'question'] as const;
type Key = (typeof KEYS)[number];

export type ViewHeader = Readonly<Partial<Record<Key, string>>>;

const ENTRY = new RegExp(`^(${KEYS.join('|')})\\s*:\\s*(.+)$`);
const FORMS =
  'a header line is `-- title: …`, `-- description: …` or `-- question: …`; two spaces continue the line above';

export interface HeaderFault {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** Reads the comment lines at the top; anything else ends them. */
export function readViewHeader(sql: string): {
  readonly header: ViewHeader;
  readonly faults: readonly HeaderFault[];
} {
  const header: Partial<Record<Key, string>> = {};
  const faults: HeaderFault[] = [];
  let last: Key | undefined;
  for (const [index, text] of sql.split('\n').entries()) {
    if (!text.startsWith('--')) break;
    const content = text.slice(2);
    const entry = content.trim();
    if (entry === '') continue;
    const add = (message: string) => faults.push({ line: index + 1, message });
    if (/^(?: {2,}|\s*\t)/.test(content) && last !== undefined) {
      header[last] += ` ${entry}`;
      continue;
    }
    const [, key, value] = ENTRY.exec(entry) ?? [];
    if (key === undefined) {
      const isParameter = /^param\b/.test(entry);
      add(isParameter ? 'a view has no parameters' : `"${entry}" is not understood; ${FORMS}`);
      continue;
    }
    last = key as Key;
    if (header[last] !== undefined) add(`a second ${last}`);
    header[last] = value!;
  }
  return { header, faults };
}
