/** Keys of JSON: no event can name such a row. */

export function isJson(type: string): boolean {
  return type === 'json' || type === 'jsonb';
}

/** Behind the name of the type. */
export const WHY_NO_JSON_KEY =
  'which can be written in many ways, so that events of one row could not be told to be of one';
