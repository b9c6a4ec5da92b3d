/** What `edp schema` prints of changes. */
import type { TableCheck } from '../codegen/check-schemas.js';
import type { Compatibility, ShapeChange } from '../codegen/compare-shapes.js';
import type { SchemaChangeJson } from './json/schema.schema.js';

export function describeChange(change: ShapeChange): string {
  const { kind, attribute, before, after, breaks, isLifted } = change;
  const what = {
    added: `${attribute} is added (${after})`,
    removed: `${attribute} is removed (${before})`,
    renamed: `${before} is renamed to ${after}`,
    values: `${attribute}: ${before} → ${after}`,
    lacking: `${attribute}: ${before} → ${after}`,
    key: `the key was ${before}, and is ${after}`,
  }[kind];
  const lifted = isLifted ? ', older events are lifted by migrations:' : '';
  return `${what}${breaks.length === 0 ? '' : `: breaks ${breaks.join(' and ')}`}${lifted}`;
}

const MEANINGS: Readonly<Record<Compatibility, string>> = {
  full: 'compatible backward and forward',
  backward: 'backward compatible: new readers read old events, old readers do not read new ones',
  forward: 'forward compatible: old readers read new events, new readers do not read old ones',
  none: 'not compatible',
};

export function describeCompatibility(compatibility: Compatibility): string {
  return MEANINGS[compatibility];
}

export function describeState({ state, version, published }: TableCheck): string {
  return {
    unpublished: `version ${version} is not published yet`,
    published: `version ${version} is published`,
    next: `version ${version}, after version ${published} that is published`,
    changed: `version ${version} is published, and the model has changed since`,
    behind: `version ${version}, and version ${published} is published`,
    damaged: 'published files are not as they were',
    removed: `the model has it no more; version ${published} stays published`,
  }[state];
}

export function toChangeJson(change: ShapeChange): SchemaChangeJson {
  const { kind, attribute, before, after, breaks, isLifted } = change;
  return {
    kind,
    attribute: attribute ?? null,
    before: before ?? null,
    after: after ?? null,
    breaks: [...breaks],
    lifted: isLifted,
  };
}
