/** edp.yaml and the files that it includes → their texts. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { readProjectText } from './file.js';
import { isLarge, preparePlainParser } from './plain-value.js';
import type { SourceFault, SourceText } from './project-part.js';
import { expandVariables } from './variables.js';

/** Patterns of `include:`, each with its line. */
interface Pattern {
  readonly pattern: string;
  readonly line: number;
}

/**
 * @param file absolute path of edp.yaml
 * @param text of it
 * @returns the text itself first, then those that it includes, in their order; each file once. A file
 *   that is not there, or that includes itself, is among the faults of the text that names it
 * @throws EdpError `config` for a file that cannot be read
 */
export async function withIncluded(file: string, text: string): Promise<SourceText[]> {
  const texts: SourceText[] = [];
  const directory = path.dirname(file);
  const visited = new Set<string>();
  const visit = async (own: string, ownText: string, trail: readonly string[]): Promise<void> => {
    const name = path.relative(directory, own);
    const chain = [...trail, own];
    visited.add(own);
    const faults: SourceFault[] = [];
    texts.push({ name, path: own, text: ownText, faults });
    for (const { pattern, line } of listPatterns(ownText)) {
      const addFault = (message: string) => faults.push({ line, message: `include: ${message}` });
      const files = await expand(pattern, own);
      if (files === undefined) addFault(missing(pattern));
      for (const included of files ?? []) {
        if (chain.includes(included)) addFault(circle([...chain, included], directory));
        if (visited.has(included)) continue;
        const found = await readProjectText(included);
        if (found === undefined) addFault(missing(pattern));
        else await visit(included, found, chain);
      }
    }
  };
  await visit(await realpath(file), text, []);
  if (texts.some((one) => isLarge(one.text))) await preparePlainParser();
  return texts;
}

/** None where the text is not YAML, or a variable is not there: the parser reports that. */
function listPatterns(text: string): Pattern[] {
  if (!text.includes('include')) return [];
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
  });
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return [];
  const { faults } = expandVariables(document, process.env);
  const unset = new Set(faults.map(({ offset }) => offset));
  const node = document.get('include', true);
  const items = isSeq(node) ? node.items : [node];
  return items.flatMap((item) => {
    if (!isScalar(item) || typeof item.value !== 'string') return [];
    const offset = item.range?.[0] ?? 0;
    return unset.has(offset) ? [] : [{ pattern: item.value, line: lines.linePos(offset).line }];
  });
}

/** @returns absolute paths without links, sorted; undefined for a file that is not there */
async function expand(pattern: string, from: string): Promise<string[] | undefined> {
  const { glob, isDynamicPattern } = await import('tinyglobby');
  const cwd = path.dirname(from);
  if (!isDynamicPattern(pattern)) {
    const file = await realpath(path.resolve(cwd, pattern)).catch(() => undefined);
    return file === undefined ? undefined : [file];
  }
  const found = await glob(pattern, {
    cwd,
    absolute: true,
    onlyFiles: true,
    expandDirectories: false,
  });
  const files = await Promise.all(found.sort().map((file) => realpath(file)));
  // `*.yaml` beside the file means the others.
  return files.filter((file) => file !== from);
}

function missing(pattern: string): string {
  return `there is no file ${JSON.stringify(pattern)}; paths are relative to the file that includes`;
}

function circle(chain: readonly string[], directory: string): string {
  const names = chain.map((file) => path.relative(directory, file));
  return `${names.at(-1)} includes itself: ${names.join(' → ')}`;
}
