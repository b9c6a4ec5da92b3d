/** Parts of the built program, for tests that run several commands in one process. */

export { EdpError, EXIT, FailedRun } from '../base/errors.js';
export { failpoint, tunable } from '../base/failpoints.js';
export { command as ingest, load } from '../commands/ingest/ingest.command.js';
export { command as promote } from '../commands/promote.command.js';
export { command as replay } from '../commands/replay.command.js';
export { asLoadingRun } from '../commands/shared/recorded-run.js';
export { command as undo } from '../commands/undo.command.js';
export { command as verify } from '../commands/verify.command.js';
export { withPool } from '../load/load-pool.js';
export { resolveFileSettings, resolveOptions } from '../options/resolve-options.js';
export { withDatabase } from '../postgres/database.js';
export { loadProject } from '../project/project.js';
export { discoverFiles } from '../source/discover.js';
export { Output } from '../terminal/output.js';
