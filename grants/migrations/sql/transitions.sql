-- States follow one another as grants/models/choices.py says, whoever writes them; nothing that was there is forgotten.

-- The arguments of the trigger are the legal steps, as `from>to`; a new row stands before any of them.
CREATE FUNCTION public.grants_check_transition() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    IF NOT (OLD.state || '>' || NEW.state) = ANY (TG_ARGV) THEN
        RAISE EXCEPTION '% cannot go from % to %.', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION public.grants_refuse_delete() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are kept as history: mark them as deleted.', TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END
$$;
