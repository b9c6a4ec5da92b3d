/** JSON Schema → a check. The library is loaded by the first thread that reads events. */
import { createRequire } from 'node:module';
import type { ErrorObject } from 'ajv';
import type { ObjectSchema } from '../../events/event-schema.js';
import { explainPattern } from '../../events/value-schema.js';
import { Fault } from '../../model/reject-codes.js';

/** @returns the fault of an event's `data` */
export type SchemaCheck = (data: unknown) => Fault | undefined;

interface Ajv {
  compile(schema: object): ((data: unknown) => boolean) & { errors?: ErrorObject[] | null };
}

const NUMBER_WANTED = 'a number is wanted, or "NaN", "Infinity" or "-Infinity"';

/** Characters of a value that the reason of a reject shows. */
const MOST_SHOWN = 60;

const require = createRequire(import.meta.url);
let ajv: Ajv | undefined;

export function compileSchema({ $id: _, ...schema }: ObjectSchema): SchemaCheck {
  ajv ??= load();
  const validate = ajv.compile(schema);
  return (data) => (validate(data) ? undefined : toFault(chooseError(validate.errors ?? []), data));
}

function load(): Ajv {
  const { Ajv2020 } = require('ajv/dist/2020.js') as {
    readonly Ajv2020: new (options: object) => Ajv;
  };
  // The schemas are made by the program, and tested: to hold each against its own schema takes longer than all else.
  return new Ajv2020({
    strict: true,
    allowUnionTypes: true,
    validateSchema: false,
    ownProperties: true,
  });
}

/** Where alternatives fail, the errors of each come before that of the whole. */
function chooseError(errors: readonly ErrorObject[]): ErrorObject | undefined {
  return errors.find(({ keyword }) => keyword === 'anyOf') ?? errors[0];
}

function toFault(error: ErrorObject | undefined, data: unknown): Fault {
  if (error === undefined) return new Fault('bad_schema', 'the schema of the event refuses it');
  const { keyword, params, message = 'is refused' } = error;
  const [, part = '', attribute] = error.instancePath.split('/').map(readSegment);
  if (keyword === 'additionalProperties') {
    const name = String(params.additionalProperty);
    if (part === '') return new Fault('bad_schema', `data has no "${name}"`);
    return new Fault('bad_schema', `${part} has an attribute that the schema lacks`, name);
  }
  if (keyword === 'required') {
    const name = String(params.missingProperty);
    if (part === '') return new Fault('bad_schema', `data lacks "${name}"`);
    return new Fault('bad_schema', `${part} lacks an attribute`, name);
  }
  if (keyword === 'false schema') {
    return new Fault('bad_schema', `an event of this kind has no "${part}"`);
  }
  if (attribute === undefined) {
    return new Fault('bad_schema', `${part === '' ? 'data' : `data.${part}`} ${message}`);
  }
  const value = (data as Record<string, Record<string, unknown>>)[part]?.[attribute];
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return new Fault('bad_schema', `the number in ${part} is out of range`, attribute);
  }
  const shown = shorten(JSON.stringify(value) ?? 'nothing');
  const expected =
    keyword === 'pattern'
      ? explainPattern(String(params.pattern))
      : keyword === 'anyOf'
        ? NUMBER_WANTED
        : undefined;
  const reason =
    expected === undefined ? `${shown} in ${part} ${message}` : `${shown} in ${part}: ${expected}`;
  return new Fault('bad_schema', reason, attribute);
}

function shorten(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
}

/** RFC 6901. */
function readSegment(segment: string): string {
  return segment.replaceAll('~1', '/').replaceAll('~0', '~');
}
