/** Target docs: one page of HTML about the tables, which loads nothing. */
import type { Target } from '../../codegen-target.js';
import { tablesPage } from './tables-page.js';

export const docs: Target = {
  describe: 'a page of HTML about the tables',
  isAtRoot: false,
  folder: 'docs',
  files: /^docs\/tables\.html$/,
  showsReaders: true,
  *generate(catalogue) {
    yield { path: 'docs/tables.html', text: tablesPage(catalogue) };
  },
};
