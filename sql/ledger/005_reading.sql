-- Keys of file_format that had other names in the first versions: dialect.recordEnd, told.

UPDATE edp.loads
SET file_format = (file_format::jsonb - 'told' || jsonb_build_object(
  'specified', file_format::jsonb -> 'told',
  'dialect', (file_format::jsonb -> 'dialect') - 'recordEnd'
             || jsonb_build_object('lineEnd', file_format::jsonb #> '{dialect,recordEnd}')))::json
WHERE file_format::jsonb #> '{dialect,recordEnd}' IS NOT NULL;
