/**
 * Prints a generated file of docs/, or writes all of them: `print-schema.js <file>`, `print-schema.js --write`
 * (npm run schema). tests/project/schema.test.ts holds the files to what is printed.
 */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFile } from '../base/package-files.js';
import { noticeSchema } from '../observe/notices/notice.schema.js';
import { projectSchema } from '../project/parse.js';
import { formatCodes } from './codes-page.js';
import { formatDoctor } from './doctor-page.js';
import { makeResultSchema } from './result-schema.js';

const GENERATED: Readonly<Record<string, () => string>> = {
  'edp.schema.json': () =>
    formatSchema({
      title: 'edp.yaml',
      description: 'A project of edp: its tables, and defaults of its options',
      // So that editors can complete and check the file.
      ...z.toJSONSchema(projectSchema(), {
        io: 'input',
        unrepresentable: 'any',
        target: 'draft-7',
      }),
    }),
  'json.schema.json': () => formatSchema(makeResultSchema()),
  'notice.schema.json': () =>
    formatSchema({
      title: 'Notice of edp',
      ...z.toJSONSchema(noticeSchema, { target: 'draft-7', override: withoutBounds }),
    }),
  'codes.md': formatCodes,
  'doctor.md': formatDoctor,
};

/** Nobody is interested in what a number of JavaScript can hold. */
function withoutBounds({
  jsonSchema,
}: {
  readonly jsonSchema: z.core.JSONSchema.BaseSchema;
}): void {
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
}

function formatSchema(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

const [wanted = ''] = process.argv.slice(2);
const make = GENERATED[wanted];
if (wanted === '--write') {
  for (const [name, print] of Object.entries(GENERATED)) {
    writeFileSync(packageFile(`docs/${name}`), print());
  }
} else if (make === undefined) {
  process.stderr.write(`name one of ${Object.keys(GENERATED).join(', ')}, or --write\n`);
  process.exitCode = 2;
} else process.stdout.write(make());
