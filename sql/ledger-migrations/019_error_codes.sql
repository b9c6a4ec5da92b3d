-- Why a command failed, and by which key the events of a realized table are in the log.

-- Null where a run did not fail, where it was killed, and where an older edp did not keep it.
ALTER TABLE edp.runs ADD COLUMN error_code text;

-- Names of the columns of the key, in the order in which the keys of the log have their values.
ALTER TABLE edp.realized ADD COLUMN key_columns text[];
