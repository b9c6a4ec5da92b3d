/** The project's tables that change events can be about, for the commands that make files of them. */
import { EdpError } from '../../base/errors.js';
import { type Catalogue, type TableReader, toCatalogue } from '../../codegen/catalogue.js';
import { type Lock, listVersions } from '../../codegen/published.js';
import { BUILTIN_MODEL } from '../../model/builtin.js';
import type { Project } from '../../project/project.js';

/**
 * @param readers by table
 * @throws EdpError `config` where edp.yaml declares no such table
 */
export function readCatalogue(
  { model, capture }: Project,
  lock: Lock,
  readers?: ReadonlyMap<string, readonly TableReader[]>,
): Catalogue {
  const catalogue = toCatalogue(model, capture, listVersions(lock), readers);
  if (model !== BUILTIN_MODEL && catalogue.tables.length > 0) return catalogue;
  throw new EdpError('config', 'edp.yaml declares no table that change events can be about', {
    hint: 'declare tables with a key; edp model import writes them from the catalog of a source',
  });
}
