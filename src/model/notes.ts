/** `description:`, `owner:` and `tags:` of a table or a column. */
import type { Notes } from './model.js';

interface NotesInput {
  readonly description?: string | undefined;
  readonly owner?: string | undefined;
  readonly tags?: string | readonly string[] | undefined;
}

/** @returns an object to spread: empty where there are none */
export function toNotes({ description, owner, tags }: NotesInput): { readonly notes?: Notes } {
  const list = tags === undefined ? [] : typeof tags === 'string' ? [tags] : tags;
  const notes: Notes = {
    ...(description === undefined ? {} : { description }),
    ...(owner === undefined ? {} : { owner }),
    ...(list.length === 0 ? {} : { tags: list }),
  };
  return Object.keys(notes).length === 0 ? {} : { notes };
}

/** The text of a comment in the database: each kind of note on a line of its own. */
export function formatNotes({ description, owner, tags }: Notes): string {
  return [
    description ?? '',
    owner === undefined ? '' : `owner: ${owner}`,
    tags === undefined ? '' : `tags: ${tags.join(', ')}`,
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** What {@link formatNotes} has written, or anybody else. @returns an object without keys where there is nothing */
export function parseNotes(comment: string): Notes {
  const lines = comment.split('\n');
  const take = (word: string): string | undefined => {
    const found = lines.at(-1)?.startsWith(`${word}: `) === true ? lines.pop() : undefined;
    return found?.slice(word.length + 2);
  };
  const tags = take('tags')?.split(', ');
  const owner = take('owner');
  const description = lines.join('\n');
  return {
    ...(description === '' ? {} : { description }),
    ...(owner === undefined ? {} : { owner }),
    ...(tags === undefined ? {} : { tags }),
  };
}
