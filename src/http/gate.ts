import { Buffer } from "node:buffer";
import { createHash, timingSafeEqual } from "node:crypto";
import { hostName, type HttpAccess } from "../settings/http_access.ts";

/** Why a request is not answered. */
export interface Refusal {
  /** HTTP's number for it. */
  readonly status: 401 | 421;
  /** For the person who asks. */
  readonly text: string;
  /** Beside the usual ones. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Judges a request by its headers; `undefined`: it may pass. */
export type Gate = (headers: Headers) => Refusal | undefined;

const WRONG_HOST: Refusal = {
  status: 421,
  text: "Not known by this name: see --http-allow-host\n",
  headers: {},
};
const WRONG_LOGIN: Refusal = {
  status: 401,
  text: "User and password are needed: see HTTP_AUTH\n",
  headers: { "WWW-Authenticate": 'Basic realm="crdb-changefeed-publisher", charset="UTF-8"' },
};

/** Lets through whoever calls this server by an allowed name and knows the login. */
export function createGate({ login, hosts }: HttpAccess): Gate {
  const expected = login && digest(Buffer.from(`${login.user}:${login.password}`).toString("base64"));
  return (headers) => {
    if (hosts.length > 0 && !hosts.includes(hostName(headers.get("host") ?? "") ?? "")) return WRONG_HOST;
    if (expected === undefined) return undefined;
    const [, given = ""] = /^basic +([\w+/=]+)$/i.exec(headers.get("authorization") ?? "") ?? [];
    return timingSafeEqual(digest(given), expected) ? undefined : WRONG_LOGIN;
  };
}

/** Of one length whatever the text, so that the time to compare tells nothing about it. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
