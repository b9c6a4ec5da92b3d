/** The error for a file that has changed since it was identified. */
import { EdpError } from '../base/errors.js';
import type { FileIdentity } from './file-identity.js';

export function changed({ path }: Pick<FileIdentity, 'path'>): EdpError {
  return new EdpError('file_changed', `${path} changed while it was read`, {
    hint: 'run the command again when nobody writes to the file any more',
  });
}
