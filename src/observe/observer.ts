/** Who listens to a command, and what he is told of it. */
import type { Project } from '../project/project.js';

export interface Observer {
  /** Closed when the others are, since they may have something to say. */
  readonly closesLast?: true;
  /**
   * Sends or writes what is left, within a limit of its own, and never throws: a receiver that is dead
   * must not fail a load.
   */
  close(): Promise<void>;
}

export interface ObserverContext {
  readonly command: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly project: Pick<Project, 'directory' | 'options' | 'notify'>;
  /** Says to the user what could not be delivered: a text that has neither a value nor a secret. */
  readonly warn: (text: string) => void;
  /** Takes stderr for a log that programs read. */
  readonly yieldStderr: () => void;
}
