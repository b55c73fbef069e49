-- The audit trail: how an event gets its number and its hash, and why nobody can change it afterwards.
--
--   audit.record        INSERT INTO core_auditpending                      while the transaction works
--   COMMIT, first round core_audit_stage: marks the row                    together with deferred foreign keys
--   COMMIT, last round  core_audit_commit -> core_audit_append             takes the head lock, numbers, hashes, inserts
--
-- The two rounds keep the head lock the last lock a transaction takes. A deferred foreign key may have to wait for
-- another transaction's row lock; were the head held by then, that transaction could wait for the head in turn.

-- Only rows of open transactions live here, so a crash loses nothing that was committed.
ALTER TABLE public.core_auditpending SET UNLOGGED;
-- Every row is dead by the end of its transaction; the table is kept small by vacuuming it early.
ALTER TABLE public.core_auditpending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
ALTER TABLE public.core_audithead SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Genesis: the event before the first one has number 0 and a hash of 32 zero bytes.
INSERT INTO public.core_audithead (id, seq, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));

-- What is hashed of an event besides its number and the hash before it: jsonb sorts keys by length, then bytes,
-- and has one way to write each value. cellenium_admin/core/services/audit_canonical.py does the same in Python.
CREATE FUNCTION public.core_audit_canonical(entry public.core_auditevent) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT jsonb_build_object(
    'at', to_char(entry.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
    'action', entry.action,
    'outcome', entry.outcome,
    'actor_type', entry.actor_type,
    'actor_id', entry.actor_id,
    'actor_label', entry.actor_label,
    'on_behalf_of', entry.on_behalf_of,
    'request_id', entry.request_id,
    'address', entry.address,
    'object_type', entry.object_type,
    'object_id', entry.object_id,
    'object_label', entry.object_label,
    'before', entry.before,
    'after', entry.after,
    'details', entry.details,
    'reason', entry.reason
)::text
$$;

CREATE FUNCTION public.core_audit_hash(entry public.core_auditevent) RETURNS bytea
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
SELECT sha256(convert_to(
    'cellenium-admin/audit' || E'\n' || entry.version || E'\n' || entry.seq || E'\n'
        || encode(entry.prev_hash, 'hex') || E'\n' || public.core_audit_canonical(entry),
    'UTF8'
))
$$;

-- The only writer of the trail.
--
-- While some transaction is old enough to see them, every former version of the head row stays in the table. An index
-- scan from the end meets the newest one first, and its ctid leads back to it; any other way to the row would read
-- all of them, and appending would get slower with each event.
CREATE FUNCTION public.core_audit_append(event jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
SET enable_seqscan = off
AS $$
DECLARE
    head record;
    entry public.core_auditevent;
BEGIN
    SELECT h.ctid, h.seq, h.hash INTO STRICT head FROM public.core_audithead h ORDER BY h.id DESC LIMIT 1 FOR UPDATE;
    entry := jsonb_populate_record(NULL::public.core_auditevent, event);
    entry.seq := head.seq + 1;
    -- Clocks are set back now and then; the trail's never runs backwards.
    entry.at := greatest(clock_timestamp(), (SELECT e.at FROM public.core_auditevent e WHERE e.seq = head.seq));
    entry.version := 1;
    entry.prev_hash := head.hash;
    entry.hash := public.core_audit_hash(entry);
    INSERT INTO public.core_auditevent SELECT (entry).*;
    UPDATE public.core_audithead SET seq = entry.seq, hash = entry.hash WHERE ctid = head.ctid;
    RETURN entry.seq;
END
$$;

CREATE FUNCTION public.core_audit_stage() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    UPDATE public.core_auditpending SET last = true WHERE id = NEW.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.core_audit_commit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    PERFORM public.core_audit_append(NEW.event);
    DELETE FROM public.core_auditpending WHERE id = NEW.id;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.core_audit_refuse() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'The audit trail is append-only: % on % is refused.', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', HINT = 'Record a new event that says what was wrong with the old one.';
END
$$;

CREATE CONSTRAINT TRIGGER core_audit_stage
    AFTER INSERT ON public.core_auditpending DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.core_audit_stage();

CREATE CONSTRAINT TRIGGER core_audit_commit
    AFTER UPDATE ON public.core_auditpending DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.core_audit_commit();

CREATE TRIGGER core_audit_refuse_change
    BEFORE UPDATE OR DELETE ON public.core_auditevent
    FOR EACH ROW EXECUTE FUNCTION public.core_audit_refuse();

CREATE TRIGGER core_audit_refuse_truncate
    BEFORE TRUNCATE ON public.core_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION public.core_audit_refuse();

-- Triggers need no right to execute once they exist, and nobody else has a reason to call any of these.
REVOKE ALL ON FUNCTION
    public.core_audit_canonical(public.core_auditevent),
    public.core_audit_hash(public.core_auditevent),
    public.core_audit_append(jsonb),
    public.core_audit_stage(),
    public.core_audit_commit(),
    public.core_audit_refuse()
FROM PUBLIC;
