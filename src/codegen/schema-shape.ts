/** A published schema of changes or rows → what readers must know of it. */
import { valueSchema } from '../events/value-schema.js';
import { COLUMN_TYPES, type ColumnType } from '../model/types.js';

/** The values of an attribute: a type of the model, any scalar that is still to be put right, or what edp does not know. */
type ValueKind = ColumnType | 'uncorrected' | 'unknown';

export interface Attribute {
  readonly kind: ValueKind;
  /** Whether a create may lack it. */
  readonly isOptional: boolean;
  readonly isNullable: boolean;
  /** One spelling of its schema. */
  readonly text: string;
}

export interface SchemaShape {
  readonly key: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Columns that realized rows have beside. */
  readonly added: ReadonlyMap<string, Attribute>;
}

interface Parsed {
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly $defs?: { readonly attributes?: Parsed };
  readonly allOf?: readonly { readonly then?: Parsed }[];
}

/** @param change, @param realized texts of both schemas of a version */
export function readShape(change: string, realized: string): SchemaShape {
  const { properties = {}, $defs, allOf = [] } = JSON.parse(change) as Parsed;
  const rows = JSON.parse(realized) as Parsed;
  const create = allOf[0]?.then?.properties?.after as Parsed | undefined;
  const required = new Set(create?.required ?? []);
  const key = (properties.key as Parsed | undefined)?.required ?? [];
  const own = $defs?.attributes?.properties ?? {};
  return {
    key,
    attributes: readAll(own, (name) => !required.has(name)),
    added: readAll(
      Object.fromEntries(
        Object.entries(rows.properties ?? {}).filter(([name]) => !Object.hasOwn(own, name)),
      ),
      () => false,
    ),
  };
}

function readAll(
  properties: Readonly<Record<string, unknown>>,
  isOptional: (name: string) => boolean,
): Map<string, Attribute> {
  return new Map(
    Object.entries(properties).map(([name, schema]) => {
      const { description: _, ...rest } = schema as Record<string, unknown>;
      const text = JSON.stringify(rest);
      const known = KINDS.get(text);
      const { kind, isNullable } = known ?? { kind: 'unknown' as const, isNullable: true };
      return [name, { kind, isNullable, isOptional: isOptional(name), text }];
    }),
  );
}

/** Of types with the same values (real and double, json and jsonb) the first. */
const KINDS: ReadonlyMap<string, { readonly kind: ValueKind; readonly isNullable: boolean }> =
  new Map(
    // JSON has null whether its column is nullable or not.
    [false, true].flatMap((isNullable) =>
      [
        ['uncorrected', valueSchema('int', isNullable, { trim: true })] as const,
        ...COLUMN_TYPES.toReversed().map((type) => [type, valueSchema(type, isNullable)] as const),
      ].map(([kind, schema]) => [JSON.stringify(schema), { kind, isNullable }] as const),
    ),
  );

/** The next wider kinds. */
const WIDER: Readonly<Partial<Record<ValueKind, readonly ValueKind[]>>> = {
  smallint: ['int'],
  int: ['real'],
  bigint: ['numeric'],
  numeric: ['text'],
  date: ['text'],
  timestamp: ['text'],
  timestamptz: ['text'],
  uuid: ['text'],
  real: ['uncorrected'],
  text: ['uncorrected'],
  boolean: ['uncorrected'],
  uncorrected: ['json'],
};

/** Whether each value that fits the one fits the other. */
export function isWithin(inner: Attribute, outer: Attribute): boolean {
  if (inner.text === outer.text) return true;
  if (inner.kind === 'unknown' || outer.kind === 'unknown') return false;
  if (inner.isNullable && !outer.isNullable) return false;
  const reached = new Set<ValueKind>([inner.kind]);
  for (const kind of reached) {
    if (kind === outer.kind) return true;
    for (const wider of WIDER[kind] ?? []) reached.add(wider);
  }
  return false;
}

const SHOWN: Readonly<Partial<Record<ValueKind, string>>> = {
  real: 'real or double',
  json: 'json or jsonb',
  uncorrected: 'a value that is still to be put right',
  unknown: 'values that this version of edp does not know',
};

export function describeValues({ kind }: Attribute): string {
  return SHOWN[kind] ?? kind;
}

export function describePresence({ isOptional }: Attribute): string {
  return isOptional ? 'a create may lack it' : 'each create has it';
}
