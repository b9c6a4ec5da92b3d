/**
 * Prints the JSON Schema of edp.yaml, so that editors can complete and check the file (npm run
 * schema).
 */
import { z } from 'zod';
import { projectSchema } from '../project/parse.js';

const schema = z.toJSONSchema(projectSchema, {
  io: 'input',
  unrepresentable: 'any',
  target: 'draft-7',
});

process.stdout.write(
  `${JSON.stringify({ title: 'edp.yaml', description: 'A project of edp: its tables, and defaults of its options', ...schema }, null, 2)}\n`,
);
