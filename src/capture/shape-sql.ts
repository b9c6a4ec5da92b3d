/** The shapes of what triggers keep (change-texts.ts), in the source: a table of them, since what was kept may be read when the model is another one. */
import { createHash } from 'node:crypto';
import { quoteLiteral } from '../model/ddl.js';
import type { Shape } from './change-texts.js';
import type { CapturedModel } from './plan.js';

/** Places of the key's attributes among all. */
export function keyIndexes({ key, attributes }: CapturedModel): number[] {
  return key.map((name) => attributes.findIndex((one) => one.name === name));
}

function shapeOf(model: CapturedModel): Shape {
  return {
    key: keyIndexes(model),
    attributes: model.attributes.map(({ name, kind }) => [name, kind]),
  };
}

/** SQL of the number of a model's shape, which depends on nothing else than what it says. */
export function shapeId(model: CapturedModel): string {
  const hash = createHash('sha256')
    .update(JSON.stringify(shapeOf(model)))
    .digest();
  return `${hash.readBigUInt64BE() >> 1n}::bigint`;
}

/** Runs before the first row has it. */
export function shapeStatement(model: CapturedModel): string {
  return `INSERT INTO edp_capture.shapes (shape, texts) VALUES (${shapeId(model)}, ${quoteLiteral(JSON.stringify(shapeOf(model)))}) ON CONFLICT DO NOTHING;`;
}
