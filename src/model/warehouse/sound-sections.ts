/** The entries of the warehouse's sections that are valid by themselves, where others are not. */
import { type WarehouseInput, warehouseShape } from './sections.js';

export interface SoundSections {
  readonly input: WarehouseInput;
  /** Names of the entries of each section, also of those that are not valid. */
  readonly names: ReadonlyMap<string, readonly string[]>;
}

/**
 * @param value of the whole file, as it was read
 * @param isUnclear whether something in an entry is not known
 */
export function soundSections(
  value: unknown,
  isUnclear: (path: readonly string[]) => boolean = () => false,
): SoundSections {
  const input: Record<string, unknown> = {};
  const names = new Map<string, readonly string[]>();
  const file = Object.fromEntries(entriesOf(value));
  for (const [section, schema] of Object.entries(warehouseShape())) {
    const entries = entriesOf(file[section]);
    names.set(
      section,
      entries.map(([name]) => name),
    );
    const clear = entries.filter(([name]) => !isUnclear([section, name]));
    const all = schema.safeParse(Object.fromEntries(clear));
    // Each alone, so that one that is not valid spoils no other.
    const sound = all.success
      ? clear
      : clear.filter(([name, entry]) => schema.safeParse({ [name]: entry }).success);
    const parsed = all.success ? all : schema.safeParse(Object.fromEntries(sound));
    if (parsed.success && file[section] !== undefined) input[section] = parsed.data;
  }
  return { input: input as WarehouseInput, names };
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value)
    : [];
}
