import { z } from 'zod';
import { type Choices, explainWords, joinWords, wordsOf } from '../model/choices.js';
import {
  CSV_CHOICES,
  CSV_DESCRIPTIONS,
  CSV_SCHEMAS,
  type CsvSettingName,
} from '../model/csv-settings.js';
import type { RejectLimit } from '../model/load-rules.js';

export interface OptionDefinition<T> {
  readonly schema: z.ZodType<T>;
  readonly describe: string;
  /** `describe` without the explanation of each choice. */
  readonly summary?: string;
  readonly default?: T;
  /** Help shows this instead of a default that is computed. */
  readonly defaultDescription?: string;
  readonly isFlag?: boolean;
  /** Whether messages must not quote a value. */
  readonly isSecret?: boolean;
  /** The only values, for an option with a closed list. */
  readonly choices?: readonly string[];
  /** Meaning of each choice. Some of these options accept synonyms, too. */
  readonly meanings?: Choices;
  /** Name on the command line, if it differs from the option's name. */
  readonly flag?: string;
}

export function define<T>(definition: OptionDefinition<T>): OptionDefinition<T> {
  return definition;
}

export const flag = (describe: string) =>
  define<boolean>({
    schema: z.stringbool().or(z.boolean()),
    describe,
    default: false,
    isFlag: true,
  });

/** One word of a list, whose first word is the default. */
export function choice<T extends string>(meanings: Choices<T>, summary: string) {
  const choices = wordsOf(meanings);
  return define<T>({
    schema: z.enum(choices, { error: `expected ${joinWords(choices)}` }),
    summary,
    describe: `${summary}: ${explainWords(meanings)}`,
    default: choices[0],
    choices,
    meanings,
  });
}

/** One word of a list, without a default. */
export function optionalChoice<T extends string>(
  meanings: Choices<T>,
  summary: string,
  defaultDescription: string,
) {
  const { schema, ...option } = choice(meanings, summary);
  return define<T | undefined>({
    ...option,
    schema: schema.optional(),
    default: undefined,
    defaultDescription,
  });
}

/** A number or its text. JavaScript converts more (`''`, `0x10`), which is an error here. */
const numeric = (error: string) =>
  z
    .union([z.number(), z.string().regex(/^\s*[-+]?\d[\d.eE+-]*\s*$/, error)], { error })
    .pipe(z.coerce.number({ error }));

export const integerFrom = (minimum: number, maximum = Number.MAX_SAFE_INTEGER) =>
  numeric('expected a whole number').pipe(
    z
      .number({ error: 'expected a whole number' })
      .int('expected a whole number')
      .min(minimum, `expected ${minimum} or more`)
      .max(maximum, `expected ${maximum} at most`),
  );

export const share = numeric('expected a number from 0 to 1').pipe(
  z.number().min(0, 'expected a number from 0 to 1').max(1, 'expected a number from 0 to 1'),
);

export const rejectLimit = z
  .union([z.string(), z.number()])
  .transform((value, context): RejectLimit => {
    const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(String(value).trim());
    if (match === null || (match[2] === '' && match[1]?.includes('.'))) {
      context.addIssue('expected a count such as 100, or a share such as 1%');
      return z.NEVER;
    }
    if (match[2] === '%' && Number(match[1]) > 100) {
      context.addIssue('expected a share of 100% at most');
      return z.NEVER;
    }
    return match[2] === '%' ? { percent: Number(match[1]) } : { count: Number(match[1]) };
  });

/** A CSV setting. It has no default, because what is not specified is detected. */
export function csv<N extends CsvSettingName>(name: N, defaultDescription = 'detected') {
  const schema = CSV_SCHEMAS[name];
  return define<z.output<(typeof CSV_SCHEMAS)[N]> | undefined>({
    schema: schema.optional() as z.ZodType<z.output<(typeof CSV_SCHEMAS)[N]> | undefined>,
    describe: CSV_DESCRIPTIONS[name],
    defaultDescription,
    isFlag: name === 'header',
    choices: schema instanceof z.ZodEnum ? (schema.options as string[]) : undefined,
    meanings: (CSV_CHOICES as Readonly<Record<string, Choices>>)[name],
  });
}

/** Numbers count as text: a table may be called 2024. */
export const text = z.union([z.string(), z.number().transform(String)]);
