/** All checks, in the order in which they are made. */
import { ADDRESS_CHECKS } from './address-checks.js';
import type { Place, Served } from './context.js';
import { EMBEDDED_CHECKS } from './embedded-checks.js';
import type { Check } from './finding.js';
import { HEALTH_CHECKS } from './health-checks.js';
import { INDEX_CHECKS } from './index-checks.js';
import { LEDGER_CHECKS } from './ledger-checks.js';
import { MACHINE_CHECKS } from './machine-checks.js';
import { TABLE_CHECKS } from './own-table-checks.js';
import { PROJECT_CHECKS } from './project-checks.js';
import { RIGHTS_CHECKS } from './rights-checks.js';
import { SECRET_CHECKS } from './secret-checks.js';
import { SETTINGS_CHECKS } from './settings-checks.js';

/** Of the place, whether or not a server answers. */
export const PLACE_CHECKS: readonly Check<Place>[] = [
  ...MACHINE_CHECKS,
  ...PROJECT_CHECKS,
  ...SECRET_CHECKS,
  ...ADDRESS_CHECKS,
  ...EMBEDDED_CHECKS,
];

/** Of a server that answers. */
export const SERVER_CHECKS: readonly Check<Served>[] = [
  ...SETTINGS_CHECKS,
  ...HEALTH_CHECKS,
  ...RIGHTS_CHECKS,
  ...LEDGER_CHECKS,
  ...TABLE_CHECKS,
  ...INDEX_CHECKS,
];
