/** Made in the engine before anything else: CockroachDB's own functions, and the log that its triggers fill. */
export const ENGINE_SCHEMA = `
CREATE ROLE root SUPERUSER LOGIN;
CREATE SCHEMA crdb;
GRANT USAGE ON SCHEMA crdb TO PUBLIC;
GRANT CREATE ON SCHEMA public TO root;
CREATE TABLE crdb.log (seq bigserial, relation oid, before text, after text);
CREATE FUNCTION crdb.capture() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO crdb.log (relation, before, after) VALUES (TG_RELID, OLD::text, NEW::text);
  RETURN NULL;
END $$;
CREATE FUNCTION crdb.capture_truncate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO crdb.log (relation) VALUES (TG_RELID);
  RETURN NULL;
END $$;
CREATE FUNCTION crdb.setting(name text) RETURNS text LANGUAGE sql STABLE AS $$
  SELECT current_setting('simulator.' || name, true)
$$;
CREATE FUNCTION crdb.cluster_logical_timestamp() RETURNS numeric LANGUAGE sql STABLE AS $$
  SELECT crdb.setting('now')::numeric
$$;
CREATE FUNCTION crdb.version() RETURNS text LANGUAGE sql STABLE AS $$ SELECT crdb.setting('version') $$;
CREATE FUNCTION crdb.current_database() RETURNS text LANGUAGE sql STABLE AS $$ SELECT crdb.setting('database') $$;
CREATE FUNCTION crdb.event_op() RETURNS text LANGUAGE sql STABLE AS $$ SELECT crdb.setting('event_op') $$;
CREATE FUNCTION crdb.regclass(name text) RETURNS regclass LANGUAGE plpgsql STABLE AS $$
DECLARE
  parts text[] := parse_ident(name);
  count int := array_length(parts, 1);
  has_database bool := count = 3 OR count = 2 AND parts[1] <> 'public' AND EXISTS (
    SELECT FROM pg_namespace WHERE nspname = parts[1] || '.public' OR parts[1] = 'defaultdb'
  );
  database text := CASE WHEN has_database THEN parts[1] ELSE crdb.setting('database') END;
  schema text := CASE WHEN count = 3 THEN parts[2] WHEN count = 2 AND NOT has_database THEN parts[1] ELSE 'public' END;
  found regclass;
BEGIN
  SELECT c.oid INTO found FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = parts[count] AND n.nspname IN (database || '.' || schema, CASE
      WHEN database = 'defaultdb' AND schema = 'public' THEN 'public' END);
  IF found IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation "%s" does not exist', name);
  END IF;
  RETURN found;
END $$;
CREATE DOMAIN crdb.collated AS text;
CREATE FUNCTION crdb.shard(value int8, buckets int) RETURNS int8 LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  hash int8 := 2166136261;
  key bytea := CASE WHEN value BETWEEN 0 AND 109 THEN set_byte('\\x00', 0, 136 + value::int) ELSE int8send(value) END;
BEGIN
  FOR i IN 0 .. length(key) - 1 LOOP
    hash := (hash * 16777619 % 4294967296) # get_byte(key, i);
  END LOOP;
  RETURN hash % buckets;
END $$;
CREATE SEQUENCE crdb.row_ids;
GRANT USAGE ON SEQUENCE crdb.row_ids TO PUBLIC;
CREATE FUNCTION crdb.unique_rowid() RETURNS int8 LANGUAGE sql VOLATILE AS $$
  SELECT (extract(epoch FROM clock_timestamp()) * 100000)::int8 * 32768 + nextval('crdb.row_ids') % 32768
$$;
CREATE SCHEMA crdb_internal;
GRANT USAGE ON SCHEMA crdb_internal TO PUBLIC;
CREATE FUNCTION crdb_internal.cluster_id() RETURNS uuid LANGUAGE sql STABLE AS $$
  SELECT crdb.setting('cluster_id')::uuid
$$;
CREATE FUNCTION crdb_internal.node_id() RETURNS int8 LANGUAGE sql STABLE AS $$ SELECT 1::int8 $$;
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';
SET client_min_messages = 'warning';
`;

/** Every table of the users with its columns, one row a column. */
export const CATALOG_QUERY = `
SELECT c.oid, n.nspname, c.relname, a.attnum, a.attname, t.typname,
  (a.atthasdef OR a.attidentity <> '')::text, a.attgenerated::text,
  array_position(i.indkey::int2[], a.attnum)::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND (n.nspname = 'public' OR n.nspname LIKE '%.%')
ORDER BY c.oid, a.attnum`;
