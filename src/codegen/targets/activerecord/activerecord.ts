/** Target activerecord: the mapping by which a Ruby application publishes what its methods say of rows. */
import { GENERATED } from '../../../events/event-schema.js';
import type { Target } from '../../codegen-target.js';
import { outboxFile } from './outbox-file.js';
import { rakeFile } from './rake-file.js';
import { readersFile } from './readers-file.js';
import { tablesFile } from './tables-file.js';

export const activerecord: Target = {
  describe: 'Ruby that publishes methods of ActiveRecord classes',
  isAtRoot: false,
  folder: 'activerecord',
  files: /^activerecord\/(?:edp\.rb|edp\.rake|edp\/(?:tables|outbox|readers)\.rb)$/,
  *generate(catalogue) {
    yield file('edp.rb', `${PARTS.map((part) => `require_relative "edp/${part}"\n`).join('')}`);
    yield file('edp/tables.rb', tablesFile(catalogue));
    yield file('edp/outbox.rb', outboxFile());
    yield file('edp/readers.rb', readersFile());
    yield file('edp.rake', rakeFile());
  },
};

const PARTS = ['tables', 'outbox', 'readers'];

function file(name: string, text: string) {
  return {
    path: `activerecord/${name}`,
    text: `# frozen_string_literal: true\n# ${GENERATED}\n\n${text}`,
  };
}
