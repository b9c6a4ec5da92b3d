/** How a load comes to replace rows, for messages: `--on-conflict update`. */
import { joinWords } from '../../model/choices.js';
import { REPLACING } from '../../model/load-rules.js';

export const REPLACING_FLAG = `--on-conflict ${joinWords(REPLACING)}`;
