-- From when what a load brought is valid, for dimensions that keep history. Undo keeps it, so that the same content
-- that is loaded again has it again.
ALTER TABLE edp.loads ADD effective_at timestamptz;
UPDATE edp.loads SET effective_at = started_at;
ALTER TABLE edp.loads
  ALTER effective_at SET DEFAULT now(),
  ALTER effective_at SET NOT NULL;
