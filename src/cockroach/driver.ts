/** `pg`, which knows of nothing but what it is told. */
import "./driver_environment.ts"; // before pg
export { default } from "pg";
