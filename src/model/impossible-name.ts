/** The name that no key of a JavaScript object can have safely. */
export const IMPOSSIBLE_NAME = '__proto__';
