/** One who listens to a command. */
import type { Project } from '../project/project.js';

export interface Observer {
  /**
   * Sends or writes what is left, within a limit of its own, and never throws: a receiver that is dead
   * must not fail a load.
   */
  close(): Promise<void>;
}

export interface ObserverContext {
  readonly command: string;
  readonly given: Readonly<Record<string, unknown>>;
  readonly project: Project;
  readonly isJson: boolean;
  /** Says to the user what could not be delivered. */
  warn(text: string): void;
}
