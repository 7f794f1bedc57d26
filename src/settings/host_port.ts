/** Where a server listens. */
export interface HostPort {
  /** Name or address; an IPv6 address is without brackets. */
  readonly host: string;
  /** 1 to 65535; 0 where a server listens: any free one. */
  readonly port: number;
}

const HOST_PORT = /^(?:\[([0-9a-f:.]+)\]|([\p{L}\p{N}._-]+))(?::(.*))?$/isu;
const PORT = /^\d{1,5}$/;

/**
 * Reads `host:port`, `1.2.3.4:port` or `[::1]:port`. Without a default the port is required, and 0 is allowed: any
 * free port to listen on. Returns what is wrong as a text that never holds what stands in the port's place, which
 * may be a password with its host forgotten.
 */
export function parseHostPort(text: string, defaultPort?: number): HostPort | string {
  const [found, ipv6, name, portText] = HOST_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  if (found === undefined || host === undefined) {
    return text === "" || text.startsWith(":")
      ? "the host is missing"
      : "a host holds characters that no host name has";
  }
  if (portText === undefined) {
    return defaultPort === undefined ? missingPort(host) : { host, port: defaultPort };
  }
  const lowest = defaultPort === undefined ? 0 : 1;
  const port = Number(portText);
  if (!PORT.test(portText) || port < lowest || port > 65535) {
    return `the port behind the host "${host}" is not a number from ${lowest} to 65535`;
  }
  return { host, port };
}

/** Reads where a server listens: `:8001` is every address of the machine, of IPv4 and IPv6. */
export function parseListenAddress(text: string): HostPort | string {
  return parseHostPort(text.startsWith(":") ? `[::]${text}` : text);
}

/** `host:port`, an IPv6 address in brackets. */
export function hostPortText({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function missingPort(host: string): string {
  return `the port behind the host "${host}" is missing`;
}
