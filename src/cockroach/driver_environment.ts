/**
 * Takes out of the environment what `pg` reads of it: for a setting that DATABASE_URL does not have it would take PGOPTIONS,
 * PGPASSWORD, PGREPLICATION and so on, PGSSLNEGOTIATION=direct makes it refuse to connect in plain text, and
 * NODE_PG_FORCE_NATIVE makes it look for libpq as soon as it is loaded (pg 8.23.1).
 */
import process from "node:process";

for (const name of Object.keys(process.env)) {
  if (/^PG[A-Z]/.test(name) || name === "NODE_PG_FORCE_NATIVE") delete process.env[name];
}
