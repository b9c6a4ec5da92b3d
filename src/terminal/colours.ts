/** Colours, where the reader is a terminal that has them. */
import picocolors from 'picocolors';

export type Colours = ReturnType<typeof picocolors.createColors>;

const NO_COLOURS = picocolors.createColors(false);

/**
 * By the conventions of NO_COLOR and FORCE_COLOR; without either, a terminal has colours and a pipe
 * has none.
 */
export function coloursOf(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Colours {
  return hasColours(stream, environment) ? picocolors.createColors(true) : NO_COLOURS;
}

function hasColours(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR, FORCE_COLOR, TERM }: Readonly<Record<string, string | undefined>>,
): boolean {
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return isTTY === true && TERM !== 'dumb';
}
