/** Names that protoc's generator for Java makes of those of a proto file. */

/** What messages of Java have by themselves: protoc puts an underscore behind accessors of such a field. */
const OF_MESSAGES = new Set([
  'class',
  'defaultInstanceForType',
  'parserForType',
  'serializedSize',
  'allFields',
  'descriptorForType',
  'initializationErrorString',
  'unknownFields',
  'cachedSize',
]);

/** `a1_b` → `A1B`: what stands behind `get`, `set` and `add`. */
export function accessorOf(field: string): string {
  const name = field.replaceAll(
    /(^|_+|\d)([a-z]?)/g,
    (_, before: string, letter: string) => `${before.replaceAll('_', '')}${letter.toUpperCase()}`,
  );
  return OF_MESSAGES.has(`${name[0]!.toLowerCase()}${name.slice(1)}`) ? `${name}_` : name;
}
