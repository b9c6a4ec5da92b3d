/** A YAML file of a dbt project, whose parts know their lines. */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

export type YamlPath = readonly (string | number)[];
export type YamlMap = Readonly<Record<string, unknown>>;

export interface DbtYaml {
  /** Relative to the folder of the project, with `/`. */
  readonly file: string;
  readonly value: unknown;
  /** From 1; of the nearest part that is there. */
  lineOf(path: YamlPath): number;
}

/** @returns the first fault of the file, where it is no YAML */
export function parseDbtYaml(
  file: string,
  text: string,
): DbtYaml | { readonly line: number; readonly fault: string } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    uniqueKeys: false,
    merge: true,
  });
  const [error] = document.errors;
  if (error !== undefined) return { line: lines.linePos(error.pos[0]).line, fault: error.message };
  const lineOf = (path: YamlPath) => {
    let offset = 0;
    let node: unknown = document.contents;
    for (const part of path) {
      const pair = isMap(node)
        ? node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(part))
        : undefined;
      const next: unknown = isSeq(node) ? node.items[Number(part)] : pair?.value;
      const place = pair?.key ?? next;
      if (isNode(place) && place.range) offset = place.range[0];
      if (next === undefined || next === null) break;
      node = next;
    }
    return lines.linePos(offset).line;
  };
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    return { line: 1, fault: (error as Error).message };
  }
  return { file, value, lineOf };
}

export function asMap(value: unknown): YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as YamlMap)
    : {};
}

export function isYamlMap(value: unknown): value is YamlMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** A text, or a list of texts. */
export function asTexts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return asList(value).filter((one) => typeof one === 'string');
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value : undefined;
}
