/** The texts of a project, each parsed by itself, and what they have together. */
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type YAMLParseError,
} from 'yaml';
import { IMPOSSIBLE_NAME } from '../model/impossible-name.js';
import { WAREHOUSE_SECTIONS } from '../model/warehouse/sections.js';
import { readPlainValue, SECTIONS_OF_TEXTS } from './plain-value.js';
import { type Environment, type ExpandedValue, expandVariables } from './variables.js';

/** A text of the project: edp.yaml, or a file that it includes. */
export interface SourceText {
  /** As messages name it. */
  readonly name: string;
  /** Absolute; undefined for a text that is in no file. */
  readonly path?: string;
  readonly text: string;
  /** Of the files that it includes. */
  readonly faults?: readonly SourceFault[];
}

export interface SourceFault {
  readonly line: number;
  readonly message: string;
}

/** A fault with its place. */
export interface PlacedFault {
  readonly part: ProjectPart;
  readonly line: number;
  readonly message: string;
}

/** Keys whose entries may stand in several texts. */
const SECTIONS: readonly string[] = ['tables', 'csv', ...WAREHOUSE_SECTIONS];
/** Below `tables`, a table, and a part of it: what is as deep as that is one declaration. */
const DECLARATION_DEPTH = 3;

/** One text, parsed. */
export class ProjectPart {
  readonly source: SourceText;
  /** Of the YAML, of variables, and of files to include. */
  readonly faults: readonly PlacedFault[];
  /** As far as it can be read. */
  readonly value: unknown;
  /** Why the address of the source cannot be used: variables that are not there. */
  readonly lacks: readonly string[];
  /** Of a large text without faults, only made where somebody asks for a position. */
  #document: Document.Parsed | undefined;
  readonly #lines = new LineCounter();
  readonly #expanded: readonly ExpandedValue[];
  /** Where values stand whose variables are not there. */
  readonly #unset: readonly number[];
  /** From this line on, the text is not read as it is meant. */
  readonly #endLine: number;

  constructor(source: SourceText, environment: Environment) {
    this.source = source;
    const plain = readPlainValue(source.text, environment);
    if (plain !== undefined) {
      this.value = plain.value ?? {};
      this.#expanded = plain.expanded;
      this.lacks = plain.lacks;
      this.#unset = [];
      this.#endLine = Number.POSITIVE_INFINITY;
      this.faults = (source.faults ?? []).map((fault) => ({ part: this, ...fault }));
      return;
    }
    const document = this.#read();
    const errors = withoutFollowing(document.errors, source.text);
    const { expanded, faults, lacks } = expandVariables(document, environment);
    this.lacks = lacks;
    keepSpellings(document);
    this.#expanded = expanded;
    this.#unset = faults.map(({ offset }) => offset);
    const found = [
      ...errors.map(({ code, pos: [offset], message }) => ({
        offset,
        message: code === 'DUPLICATE_KEY' ? this.#describeDouble(offset) : message,
      })),
      ...findImpossibleNames(document),
      ...faults,
    ].map(({ offset, message }) => ({ line: this.#lineAt(offset), message }));
    this.faults = [...found, ...(source.faults ?? [])].map((fault) => ({ part: this, ...fault }));
    // Where one line is no YAML, those before it are read as they are meant.
    const broken = errors.filter(({ code }) => code !== 'DUPLICATE_KEY');
    this.#endLine = this.#firstLineOfBlock(Math.min(...broken.map(({ pos: [offset] }) => offset)));
    this.value = toValue(document);
  }

  #read(): Document.Parsed {
    this.#document ??= parseDocument(this.source.text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      logLevel: 'error',
    });
    return this.#document;
  }

  /** Whether it has what a path leads to: an option, a setting of `csv:`, a table. */
  declares(path: readonly PropertyKey[]): boolean {
    const [first, second] = path;
    if (typeof this.value !== 'object' || this.value === null || first === undefined) return false;
    if (!Object.hasOwn(this.value, first)) return false;
    if (second === undefined || !SECTIONS.includes(String(first))) return true;
    const section = (this.value as Record<PropertyKey, unknown>)[first];
    return typeof section !== 'object' || section === null || Object.hasOwn(section, second);
  }

  /** Whether what stands there follows from a fault that is reported already. */
  isUnclear(path: readonly PropertyKey[]): boolean {
    if (!this.isBroken && this.#unset.length === 0) return false;
    if (this.lineOf(path) >= this.#endLine) return true;
    const node = this.#nodeAt(path);
    const isOne = isScalar(node) || isSeq(node) || path.length >= DECLARATION_DEPTH;
    return isOne && this.lacksVariables(path);
  }

  /** Whether a variable is not there that stands somewhere in it. */
  lacksVariables(path: readonly PropertyKey[]): boolean {
    const node = this.#nodeAt(path);
    if (!isNode(node) || !node.range) return false;
    const [start, , end] = node.range;
    return this.#unset.some((offset) => offset >= start && offset < end);
  }

  /** Whether it may have tables, or include them, that were not read. @param hasOthers beside this text */
  mayLackTables(hasOthers: boolean): boolean {
    const includes = this.source.text.includes('include');
    const lacks = (this.source.faults?.length ?? 0) > 0 || this.#unset.length > 0;
    return (this.isBroken && (hasOthers || includes)) || (includes && lacks);
  }

  /** Whether some of it cannot be read at all. */
  get isBroken(): boolean {
    return this.#endLine < Number.POSITIVE_INFINITY;
  }

  /** Line of the key that a path ends with, or of its nearest existing parent. */
  lineOf(path: readonly PropertyKey[]): number {
    for (let depth = path.length; depth > 0; depth--) {
      const parent = this.#nodeAt(path.slice(0, depth - 1));
      const name = path[depth - 1];
      const node = pairOf(parent, name!)?.key ?? this.#nodeAt(path.slice(0, depth));
      if (isNode(node) && node.range) return this.#lineAt(node.range[0]);
    }
    return 1;
  }

  /** A message that quotes no value of a variable. */
  withoutValues(message: string): string {
    return this.#expanded.reduce(
      (text, { value, written }) => text.replaceAll(JSON.stringify(value), JSON.stringify(written)),
      message,
    );
  }

  /** What a path leads to: of a key that is there twice the last, as in the value. */
  #nodeAt(path: readonly PropertyKey[]): unknown {
    return path.reduce<unknown>(
      (node, name) => (isSeq(node) ? node.get(name, true) : pairOf(node, name)?.value),
      this.#read().contents,
    );
  }

  /** @param offset of a key that stands in the same map before */
  #describeDouble(offset: number): string {
    let message = 'a key is there twice';
    visit(this.#read(), {
      Map: (_, { items }) => {
        const keys = items.map(({ key }) => key).filter(isScalar);
        const double = keys.find(({ range }) => range?.[0] === offset);
        const first = keys.find(({ value }) => double !== undefined && value === double.value);
        if (double === undefined || !first?.range) return;
        message = `"${String(double.value)}" is there twice: line ${this.#lineAt(first.range[0])} has it, too`;
      },
    });
    return message;
  }

  #lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }

  /** The first line of the table or task, or of the part of the file, that has something at `offset`. */
  #firstLineOfBlock(offset: number): number {
    if (offset === Number.POSITIVE_INFINITY) return offset;
    const starts = [
      this.#read().contents,
      ...SECTIONS.map((name) => this.#read().get(name, true)),
    ].flatMap((map) =>
      isMap(map)
        ? map.items.flatMap(({ key }) => (isNode(key) && key.range ? [key.range[0]] : []))
        : [],
    );
    return this.#lineAt(Math.max(0, ...starts.filter((start) => start <= offset)));
  }
}

type Fault = Pick<YAMLParseError, 'code' | 'message'> & { readonly pos: readonly [number, number] };

/**
 * Where one line is indented otherwise than those beside it, the parser finds fault with all that follow,
 * and several with a line that has a tab.
 */
function withoutFollowing(errors: readonly YAMLParseError[], text: string): Fault[] {
  const ordered = [...errors].sort((a, b) => a.pos[0] - b.pos[0]);
  const first = ordered.findIndex(({ code }) => code === 'BAD_INDENT' || code === 'TAB_AS_INDENT');
  if (first < 0) return ordered;
  return ordered.slice(0, first + 1).map(({ code, message, pos: [start, end] }) => {
    // The parser may point at the blank lines before.
    const blank = code === 'BAD_INDENT' ? text.slice(start).search(/\S/) : 0;
    return { code, message, pos: [start + Math.max(0, blank), end] };
  });
}

function pairOf(node: unknown, name: PropertyKey) {
  return isMap(node)
    ? node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(name))
    : undefined;
}

/** A key of this name would vanish: in JavaScript it is no key of an object. */
function findImpossibleNames(document: Document): { offset: number; message: string }[] {
  const found: { offset: number; message: string }[] = [];
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || key.value !== IMPOSSIBLE_NAME) return;
      const message = `"${IMPOSSIBLE_NAME}" cannot be a name in edp; give the column another one, and name the field with field:`;
      found.push({ offset: key.range?.[0] ?? 0, message });
    },
  });
  return found;
}

/** There, 007 and 1.50 are what they look like. */
function keepSpellings({ contents }: Document): void {
  if (!isMap(contents)) return;
  for (const { key, value } of contents.items) {
    if (!isNode(value) || !isScalar(key) || !SECTIONS_OF_TEXTS.includes(String(key.value)))
      continue;
    visit(value, {
      Pair(_, pair) {
        const { key: name, value: texts } = pair;
        if (!isScalar(name) || name.value !== 'values' || !isNode(texts)) return;
        visit(texts, {
          Scalar(_, node) {
            if (typeof node.value === 'number') node.value = node.source;
          },
        });
      },
    });
  }
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS() ?? {};
  } catch {
    return {};
  }
}

/** One value of all texts; what is there twice is a fault. */
export function mergeParts(parts: readonly ProjectPart[], faults: PlacedFault[]): unknown {
  if (parts.length === 1) return parts[0]!.value;
  const merged: Record<string, unknown> = {};
  const placeOf = new Map<string, ProjectPart>();
  const add = (
    into: Record<string, unknown>,
    part: ProjectPart,
    path: readonly string[],
    value: unknown,
  ) => {
    const name = path.join('.');
    const first = placeOf.get(name);
    if (first === undefined) {
      placeOf.set(name, part);
      into[path.at(-1)!] = value;
      return;
    }
    const { name: file } = first.source;
    const message = `${name}: ${file}:${first.lineOf(path)} has it, too`;
    faults.push({ part, line: part.lineOf(path), message });
  };
  for (const part of parts) {
    const isMapping =
      typeof part.value === 'object' && part.value !== null && !Array.isArray(part.value);
    if (!isMapping) {
      faults.push({ part, line: 1, message: 'a file has keys with values' });
      continue;
    }
    for (const [key, value] of Object.entries(part.value as object)) {
      // Each text has its own.
      if (key === 'include') {
        merged.include = [merged.include ?? [], value].flat();
        continue;
      }
      const isSection =
        SECTIONS.includes(key) &&
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value);
      if (!isSection) {
        add(merged, part, [key], value);
        continue;
      }
      merged[key] ??= {};
      const section = merged[key];
      if (typeof section !== 'object' || section === null) continue;
      for (const [name, entry] of Object.entries(value)) {
        add(section as Record<string, unknown>, part, [key, name], entry);
      }
    }
  }
  return merged;
}
