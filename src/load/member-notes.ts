/** What to tell of members that a file lacks, which is to hold all of them. */
import { safeText } from '../base/safe-text.js';
import type { MemberEnds } from '../ledger/member-ends.js';
import type { Target } from './prepare-files.js';

/** @returns undefined where there is nothing to tell */
export function describeMemberEnds(
  ends: MemberEnds,
  { file, table }: Target,
  loadId: number | undefined,
): string | undefined {
  const name = `"${safeText(table.name)}"`;
  switch (ends.kind) {
    case 'settled':
      return undefined;
    case 'has_rejects': {
      const rejects = ends.rejects === 1 ? 'one reject' : `${ends.rejects} rejects`;
      const remedy =
        loadId === undefined ? '' : `: edp replay ${loadId} does so, once all of them load, or`;
      return `no member of ${name} has ended by ${safeText(file.name)}: with ${rejects}, it does not show who is gone${remedy} the next file without rejects`;
    }
    case 'written': {
      if (ends.ended === 0) return undefined;
      const members = ends.ended === 1 ? 'one member' : `${ends.ended} members`;
      return `${members} of ${name} ${ends.ended === 1 ? 'is' : 'are'} not in ${safeText(file.name)}, and so ended`;
    }
  }
}
