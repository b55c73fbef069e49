-- Takes back audit_trail.sql. The events stay, unprotected, until migration 0001 is taken back too.
DROP TRIGGER core_audit_refuse_truncate ON public.core_auditevent;
DROP TRIGGER core_audit_refuse_change ON public.core_auditevent;
DROP TRIGGER core_audit_commit ON public.core_auditpending;
DROP TRIGGER core_audit_stage ON public.core_auditpending;
DROP FUNCTION public.core_audit_refuse();
DROP FUNCTION public.core_audit_commit();
DROP FUNCTION public.core_audit_stage();
DROP FUNCTION public.core_audit_append(jsonb);
DROP FUNCTION public.core_audit_hash(public.core_auditevent);
DROP FUNCTION public.core_audit_canonical(public.core_auditevent);
DELETE FROM public.core_audithead;
ALTER TABLE public.core_audithead RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE public.core_auditpending RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
ALTER TABLE public.core_auditpending SET LOGGED;
