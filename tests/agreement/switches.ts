/** Kinds of set-ups that edp does not do as the server does. Each is turned on once edp does. */
export const SWITCHES = {
  /** Tables whose rows refer to rows of the same table, parents before or behind their children. */
  selfReferences: true,
  /** Files with a field for a generated column, which the server computes. */
  generatedInFile: false,
};
