-- Partitions of tables that edp loads. Roles that own nothing make them by a function of the ledger's owner.

-- The partitions of a table that have bounds of their own: of a list, of time, or of time within one of a list.
CREATE FUNCTION edp.partitions_of(parent regclass)
  RETURNS TABLE (partition oid, list_value text, lower timestamp, upper timestamp, is_rest boolean, divides boolean, rest_check text)
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
  WITH bounds AS (
    SELECT c.oid, pg_get_expr(c.relpartbound, c.oid) AS bound, c.relkind = 'p' AS divides,
           (SELECT pg_get_constraintdef(k.oid) FROM pg_constraint k
            WHERE k.conrelid = c.oid AND k.conname = 'edp_rest' AND k.contype = 'c') AS rest_check
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent),
  times AS (
    SELECT *, regexp_match(bound, '^FOR VALUES FROM \((.*)\) TO \((.*)\)$') AS ends FROM bounds),
  lists AS (
    SELECT b.oid, b.divides, b.rest_check, m.parts
    FROM bounds b, regexp_matches(b.bound, '(E?)''((?:[^'']|'''')*)''|([^\s,()'']+)', 'g') AS m (parts)
    WHERE b.bound LIKE 'FOR VALUES IN (%')
  SELECT oid, NULL, (CASE ends[1] WHEN 'MINVALUE' THEN '-infinity' ELSE btrim(ends[1], '''') END)::timestamp,
         (CASE ends[2] WHEN 'MAXVALUE' THEN 'infinity' ELSE btrim(ends[2], '''') END)::timestamp, false, divides, rest_check
  FROM times WHERE ends IS NOT NULL
    -- Of several columns, or of another type, the bounds are not of time.
    AND ends[1] ~ '^(MINVALUE|''-?(infinity|\d{4,}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?(\+00)?)?( BC)?)'')$'
    AND ends[2] ~ '^(MAXVALUE|''-?(infinity|\d{4,}-\d\d-\d\d( \d\d:\d\d:\d\d(\.\d+)?(\+00)?)?( BC)?)'')$'
  UNION ALL
  SELECT oid, CASE WHEN parts[3] IS NOT NULL THEN parts[3]
                   WHEN parts[1] = 'E' THEN replace(replace(parts[2], '''''', ''''), '\\', '\')
                   ELSE replace(parts[2], '''''', '''') END, NULL, NULL, false, divides, rest_check
  FROM lists WHERE parts[3] IS NULL OR parts[3] NOT IN ('FOR', 'VALUES', 'IN', 'NULL')
  UNION ALL
  SELECT oid, NULL, NULL, NULL, true, divides, rest_check FROM bounds WHERE bound = 'DEFAULT'
$$;

-- A name that no relation, type or function of the schema has: the parent's, cut where it is too long, and an ending.
CREATE FUNCTION edp.partition_name(parent regclass, ending text) RETURNS text
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  base text;
  place oid;
  number int := 0;
  tail text := ending;
BEGIN
  SELECT relname, relnamespace INTO base, place FROM pg_class WHERE oid = parent;
  LOOP
    WHILE octet_length(base || tail) > 63 LOOP
      base := left(base, -1);
    END LOOP;
    EXIT WHEN NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = place AND relname = base || tail)
      AND NOT EXISTS (SELECT FROM pg_type WHERE typnamespace = place AND typname = base || tail)
      AND NOT EXISTS (SELECT FROM pg_proc WHERE pronamespace = place AND proname = base || tail);
    number := number + 1;
    tail := ending || '_' || number;
  END LOOP;
  RETURN base || tail;
END
$$;

-- A table like the parent, with its owner, its rights and its guard of keys.
CREATE FUNCTION edp.new_partition(parent regclass, ending text, divided text) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  whole text;
  made regclass;
  item record;
BEGIN
  SELECT format('%I.%I', n.nspname, edp.partition_name(parent, ending)) INTO whole
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = parent;
  EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY EXCLUDING STATISTICS)%s',
                 whole, parent, divided);
  made := whole::regclass;
  -- Policies of the parent do not act on who reads a partition itself.
  FOR item IN
    SELECT DISTINCT a.privilege_type, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
    FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = parent AND a.grantee <> c.relowner AND NOT c.relrowsecurity
  LOOP
    EXECUTE format('GRANT %s ON %s TO %s', item.privilege_type, made, item.grantee);
  END LOOP;
  FOR item IN
    SELECT DISTINCT a.privilege_type, t.attname, CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
    FROM pg_attribute t, aclexplode(t.attacl) a
    WHERE t.attrelid = parent AND t.attnum > 0 AND NOT t.attisdropped
      AND NOT (SELECT c.relrowsecurity FROM pg_class c WHERE c.oid = parent)
  LOOP
    EXECUTE format('GRANT %s (%I) ON %s TO %s', item.privilege_type, item.attname, made, item.grantee);
  END LOOP;
  -- Statements on a partition alone do not reach the triggers of its parent.
  FOR item IN
    SELECT t.tgname, t.tgfoid::regprocedure AS function, t.tgtype & 28 AS event, t.tgtype & 32 <> 0 AS on_truncate
    FROM pg_trigger t WHERE t.tgrelid = parent AND t.tgname LIKE 'edp\_key\_guard%'
  LOOP
    EXECUTE format('CREATE TRIGGER %I AFTER %s ON %s %s FOR EACH STATEMENT EXECUTE FUNCTION %s', item.tgname,
      CASE WHEN item.on_truncate THEN 'TRUNCATE' ELSE CASE item.event WHEN 4 THEN 'INSERT' WHEN 8 THEN 'DELETE' ELSE 'UPDATE' END END,
      made,
      CASE WHEN item.on_truncate THEN '' ELSE CASE item.event
        WHEN 4 THEN 'REFERENCING NEW TABLE AS new_rows'
        WHEN 8 THEN 'REFERENCING OLD TABLE AS old_rows'
        ELSE 'REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows' END END,
      item.function);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', made, item.tgname);
  END LOOP;
  EXECUTE format('ALTER TABLE %s OWNER TO %s', made,
                 (SELECT relowner::regrole FROM pg_class WHERE oid = parent));
  RETURN made;
END
$$;

-- The partition of what has no other one. `upto` NULL: of a list, so that only NULL is left.
CREATE FUNCTION edp.make_rest(parent regclass, divisor text, since date, upto date) RETURNS regclass
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  made regclass := edp.new_partition(parent, '_rest', '');
  midnight text := edp.midnight_of(parent, divisor);
BEGIN
  IF upto IS NULL THEN
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT edp_rest CHECK (%I IS NULL)', made, divisor);
  ELSE
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT edp_rest CHECK (%I IS NULL OR %I < %L OR %I >= %L)',
                   made, divisor, divisor, since || midnight, divisor, upto || midnight);
  END IF;
  EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s DEFAULT', parent, made);
  RETURN made;
END
$$;

-- What stands behind a day in a literal of the column's type.
CREATE FUNCTION edp.midnight_of(relation regclass, name text) RETURNS text
  LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
  SELECT CASE atttypid WHEN 'timestamptz'::regtype THEN ' 00:00:00+00' ELSE '' END
  FROM pg_attribute WHERE attrelid = relation AND attname = name
$$;

-- Makes the partitions of the values that have none: of time (`every`: day, month or year, with its column and its range),
-- of a list (`list_values`), or of both, where a value and a day stand at the same place. Each is made as a table and then attached,
-- so that loads go on meanwhile, and two that do so at once wait for each other instead of deadlocking. By the table's owner.
CREATE FUNCTION edp.divide(
    parent regclass, every text, divisor text, since date, upto date, list_values text[], days date[]) RETURNS int
  LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
  most constant int := 10000;
  made int := 0;
  there int;
  value text;
  wanted record;
  part regclass;
  zone text := CASE WHEN edp.midnight_of(parent, divisor) = '' THEN '' ELSE '+00' END;
BEGIN
  -- As ATTACH does.
  EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', parent);
  SELECT count(*) INTO there FROM pg_partition_tree(parent) WHERE isleaf;
  FOR value IN SELECT DISTINCT v COLLATE "C" FROM unnest(list_values) AS v WHERE v IS NOT NULL ORDER BY 1 LOOP
    CONTINUE WHEN EXISTS (SELECT FROM edp.partitions_of(parent) p WHERE p.list_value = value);
    part := edp.new_partition(
      parent, '_' || coalesce(nullif(btrim(regexp_replace(lower(left(value, 30)), '[^a-z0-9]+', '_', 'g'), '_'), ''), 'value'),
      CASE WHEN every IS NULL THEN '' ELSE format(' PARTITION BY RANGE (%I)', divisor) END);
    IF every IS NOT NULL THEN PERFORM edp.make_rest(part, divisor, since, upto); END IF;
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES IN (%L)', parent, part, value);
    made := made + 1;
  END LOOP;
  FOR wanted IN
    WITH wished AS (
      SELECT DISTINCT l.v AS list_value, d.v AS day, date_trunc(every, d.v::timestamp) AS unit
      FROM unnest(days) WITH ORDINALITY AS d (v, n)
      LEFT JOIN unnest(list_values) WITH ORDINALITY AS l (v, n) ON l.n = d.n
      WHERE d.v >= since AND d.v < upto),
    holders AS MATERIALIZED (
      SELECT v.list_value, CASE WHEN list_values IS NULL THEN parent::oid ELSE p.partition END AS oid
      FROM (SELECT DISTINCT w.list_value FROM wished w) v
      LEFT JOIN edp.partitions_of(parent) p ON p.list_value = v.list_value),
    taken AS MATERIALIZED (
      SELECT h.list_value, p.lower, p.upper FROM holders h, edp.partitions_of(h.oid) p WHERE p.lower IS NOT NULL)
    -- What others have made, and what the rest partition may have, is left out.
    SELECT DISTINCT w.list_value, h.oid::regclass AS holder, w.unit, greatest(w.unit, since, t.behind) AS starts,
           least(w.unit + ('1 ' || every)::interval, upto, t.before) AS ends
    FROM wished w JOIN holders h ON h.list_value IS NOT DISTINCT FROM w.list_value AND h.oid IS NOT NULL
    CROSS JOIN LATERAL (
      SELECT max(t.upper) FILTER (WHERE t.upper <= w.day) AS behind, min(t.lower) FILTER (WHERE t.lower >= w.day + 1) AS before,
             coalesce(bool_or(t.lower < w.day + 1 AND t.upper > w.day), false) AS is_there
      FROM taken t WHERE t.list_value IS NOT DISTINCT FROM w.list_value) t
    WHERE NOT t.is_there
    ORDER BY w.list_value, starts
  LOOP
    IF there + made >= most THEN
      RAISE program_limit_exceeded USING MESSAGE = format('table %s would have more than %s partitions', parent, most),
        HINT = 'divide it by longer times, or by another column';
    END IF;
    part := edp.new_partition(
      wanted.holder, '_' || to_char(wanted.unit, CASE every WHEN 'day' THEN 'YYYY_MM_DD' WHEN 'month' THEN 'YYYY_MM' ELSE 'YYYY' END), '');
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)', wanted.holder, part,
                   wanted.starts || zone, wanted.ends || zone);
    made := made + 1;
  END LOOP;
  RETURN made;
END
$$;

-- The same for roles that may insert rows and do not own the table. Definitions of the table may call functions of its owner, which
-- run as the owner of the ledger here. So that one must own the table, or have been made a member of the role that does;
-- that a superuser may do everything is not enough.
CREATE FUNCTION edp.make_partitions(
    parent regclass, every text, divisor text, since date, upto date, list_values text[], days date[]) RETURNS int
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  holder oid := (SELECT relowner FROM pg_class WHERE oid = parent);
BEGIN
  IF NOT has_any_column_privilege(caller, parent, 'INSERT') THEN
    RAISE insufficient_privilege USING MESSAGE = format('permission denied for table %s', parent);
  END IF;
  IF NOT EXISTS (
    WITH RECURSIVE held (role) AS (
      SELECT oid FROM pg_roles WHERE rolname = current_user
      UNION SELECT m.roleid FROM pg_auth_members m JOIN held ON m.member = held.role)
    SELECT FROM held WHERE role = holder)
  THEN
    RAISE insufficient_privilege USING MESSAGE = format('the owner of schema edp is no member of the role that owns table %s', parent),
      HINT = format('GRANT %s TO %s', holder::regrole, quote_ident(current_user));
  END IF;
  RETURN edp.divide(parent, every, divisor, since, upto, list_values, days);
END
$$;
