/**
 * Quotes what other readers of YAML would not read as the same text. Those of YAML 1.1 (PyYAML, Ruby, older
 * Java) take `y`, `no`, `on`, `1_000`, `0o7` or `1:20` for something else, and refuse `=` or `<<`.
 */
import { type Document, isScalar, parseDocument, type Scalar, visit } from 'yaml';

const VERSIONS = ['1.1', '1.2'] as const;
/** Text with a meaning of its own in some reader, though not in the library. */
const SPECIAL = /^(?:=|<<|~|[-+]?0o[0-7_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?)$/;

/** Changes the nodes of the document, keys and values. */
export function quoteAmbiguous(document: Document): void {
  visit(document, {
    Scalar(_, node) {
      if (isPlainText(node) && isAmbiguous(node.value as string)) node.type = 'QUOTE_DOUBLE';
    },
  });
}

function isPlainText(node: Scalar): boolean {
  return isScalar(node) && typeof node.value === 'string' && (node.type ?? 'PLAIN') === 'PLAIN';
}

function isAmbiguous(text: string): boolean {
  if (SPECIAL.test(text)) return true;
  // What begins with a letter beyond these is text to all of them.
  if (!/^(?:[-+.\d]|[ynotf]|null)/i.test(text)) return false;
  return VERSIONS.some((version) => {
    const { contents, errors } = parseDocument(text, { version });
    return errors.length > 0 || !isScalar(contents) || typeof contents.value !== 'string';
  });
}
