/** How `description:`, `owner:` and `tags:` are checked. Apart from what uses them, since threads need no schema. */
import { z } from 'zod';

/** PostgreSQL has no text with NUL. */
const noteText = z
  .string()
  .refine((text) => !text.includes('\0'), { message: 'a text of the database has no NUL' });

export const notesShape = {
  description: noteText.optional().describe('What it is, for people; a comment of the database'),
  owner: noteText.optional().describe('Who answers for it'),
  tags: z
    .union([noteText, z.array(noteText)])
    .optional()
    .describe('Words to find it by'),
};
