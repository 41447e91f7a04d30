/** The protocol versions that clients may speak here, oldest first. */
export const supportedVersions = [
  '2024-11-05',
  '2025-03-26',
  '2025-06-18',
  '2025-11-25',
  '2026-07-28',
] as const;

/** Meant where a client of the 2025 versions sends no version header. */
export const assumedVersion = '2025-03-26';

/** The first version without sessions and handshake. */
const firstModern = '2026-07-28';

/** Whether a version has no sessions, and says everything in each request. Versions are dates, so they compare. */
export function isModern(version: string): boolean {
  return version >= firstModern;
}

export function isSupported(version: string): boolean {
  return (supportedVersions as readonly string[]).includes(version);
}

/** Versions from 2025-06-18 on say which they are in a header. */
export function hasVersionHeader(version: string): boolean {
  return version >= '2025-06-18';
}

/** `_meta` members that every request of 2026-07-28 carries. */
export const metaKeys = {
  protocolVersion: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
} as const;
