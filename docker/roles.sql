-- The two database roles, made when the server of compose.yml starts on an empty volume.
-- cellenium_owner owns the tables and migrates; cellenium_app uses them and gets its rights from `migrate`.
\getenv owner_password CELLENIUM_OWNER_PASSWORD
\getenv app_password CELLENIUM_APP_PASSWORD

CREATE ROLE cellenium_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'owner_password';
CREATE ROLE cellenium_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'app_password';

ALTER DATABASE cellenium OWNER TO cellenium_owner;
REVOKE ALL ON DATABASE cellenium FROM PUBLIC;
GRANT CONNECT ON DATABASE cellenium TO cellenium_owner, cellenium_app;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CREATE, USAGE ON SCHEMA public TO cellenium_owner;
GRANT USAGE ON SCHEMA public TO cellenium_app;
