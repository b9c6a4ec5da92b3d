/** Parts of the built program, for tests that run several commands in one process. */

export { load } from '../commands/ingest.js';
export { command as promote } from '../commands/promote.js';
export { command as replay } from '../commands/replay.js';
export { command as undo } from '../commands/undo.js';
export { withDatabase } from '../database/database.js';
export { EdpError, EXIT, FailedRun } from '../errors.js';
export { failpoint, tunable } from '../failpoints.js';
export { discoverFiles } from '../ingest/plan/discover.js';
export { withPool } from '../ingest/pool.js';
export { resolveCsvSettings, resolveOptions } from '../options.js';
export { Output } from '../output.js';
export { loadProject } from '../project.js';
