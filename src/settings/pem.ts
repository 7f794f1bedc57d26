import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const PRIVATE_KEY = /-----BEGIN ((?:[A-Z]+ )?PRIVATE KEY)-----[\s\S]*?-----END \1-----/;
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/;

/** What is wrong with the certificates in a PEM text; `undefined`: nothing. */
export function certificateProblem(pem: string): string | undefined {
  const certificates = pem.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    return pem.includes("-----BEGIN ") ? "holds no certificate" : "is not a PEM file";
  }
  const broken = certificates.findIndex((text) => !canBeRead(text));
  if (broken < 0) return undefined;
  return certificates.length === 1
    ? "holds a certificate that cannot be read"
    : `holds ${certificates.length} certificates, of which number ${broken + 1} cannot be read`;
}

/** What is wrong with the private key in a PEM text; `undefined`: nothing. */
export function privateKeyProblem(pem: string): string | undefined {
  if (!pem.includes("-----BEGIN ")) return "is not a PEM file";
  // Deno 2.9 would leave it out in silence.
  if (ENCRYPTED.test(pem)) return "holds an encrypted key; decrypt it: openssl pkey -in KEY -out PLAIN";
  if (!PRIVATE_KEY.test(pem)) return "holds no private key";
  return privateKeyOf(pem) === undefined ? "holds a private key that cannot be read" : undefined;
}

/**
 * True when the key is that of the first certificate, both of which can be read. Another one panics the whole process in
 * Deno 2.6.10, as soon as it connects.
 */
export function isKeyOf(keyPem: string, certificatePem: string): boolean {
  const key = privateKeyOf(keyPem), certificate = certificatePem.match(CERTIFICATE)?.[0];
  if (key === undefined || certificate === undefined) return false;
  // X509Certificate of Deno 2.6.10 has neither its bytes nor every kind of public key.
  const bytes = Buffer.from(certificate.replaceAll(/-----[^-]+-----/g, ""), "base64");
  return bytes.includes(createPublicKey(key).export({ type: "spki", format: "der" }));
}

function canBeRead(certificate: string): boolean {
  try {
    return new X509Certificate(certificate) !== undefined;
  } catch {
    return false;
  }
}

function privateKeyOf(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(PRIVATE_KEY.exec(pem)?.[0] ?? "");
  } catch {
    return undefined;
  }
}
