/**
 * Prints a generated file of docs/, or writes all of them: `print-schema.js <file>`, `print-schema.js --write`
 * (npm run schema). tests/project/schema.test.ts holds the files to what is printed.
 */
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { packageFile } from '../base/package-files.js';
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
  'codes.md': formatCodes,
  'doctor.md': formatDoctor,
};

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
