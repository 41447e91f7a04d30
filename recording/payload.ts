import type { RecordEvent, SessionFacts } from './event.ts';

/** What a payload says besides its bytes. Absent means null, or the same as when the strand was opened. */
export interface PayloadFacts {
  readonly callId?: string;
  readonly method?: string;
  readonly tool?: string;
  readonly verdict?: string;
  readonly rule?: string;
  readonly policyVersion?: string;
  readonly risk?: string;
  /** Length of the bytes before masking. */
  readonly unmaskedLength?: number;
  /** Present when it differs from the strand's opening facts: a new token, another client name. */
  readonly session?: SessionFacts;
}

/** What a strand's `open` record carries as its bytes, in JSON. */
export interface OpenBytes {
  readonly session: SessionFacts;
  /**
   * The strand of this session that the same recorder had to abandon, and its last record known to be durable
   * (-1: none). Records after it stand there though their bytes never passed.
   */
  readonly resumes?: { readonly strand: string; readonly acknowledgedSeq: number };
}

/**
 * Payload before sealing: length of the facts (4 bytes, big-endian), the facts as JSON, the bytes as they passed.
 * @param place gives the memory for it
 */
export function encodePayload(
  facts: PayloadFacts,
  bytes: Uint8Array | string,
  place: (length: number) => Buffer,
): Buffer {
  const head = JSON.stringify(facts);
  const headLength = Buffer.byteLength(head);
  const payload = place(4 + headLength + byteLength(bytes));
  payload.writeUInt32BE(headLength, 0);
  payload.write(head, 4);
  if (typeof bytes === 'string') payload.write(bytes, 4 + headLength);
  else payload.set(bytes, 4 + headLength);
  return payload;
}

/** @throws Error when the payload is not one */
export function decodePayload(payload: Buffer): { facts: PayloadFacts; bytes: Buffer } {
  const headLength = payload.length >= 4 ? payload.readUInt32BE(0) : Infinity;
  if (headLength > payload.length - 4) throw new Error('a record payload is shorter than its facts');
  const facts = JSON.parse(payload.toString('utf8', 4, 4 + headLength)) as PayloadFacts;
  return { facts, bytes: payload.subarray(4 + headLength) };
}

/** The part of an event that its payload keeps as facts. */
export type EventFacts = Pick<
  RecordEvent,
  'callId' | 'method' | 'tool' | 'verdict' | 'rule' | 'policyVersion' | 'risk' | 'unmasked'
>;

/** The facts of one event as its payload keeps them. */
export function payloadFacts(event: EventFacts, changed: SessionFacts | null): PayloadFacts {
  const facts: { -readonly [Name in keyof PayloadFacts]: PayloadFacts[Name] } = {};
  if (event.callId !== null) facts.callId = event.callId;
  if (event.method !== null) facts.method = event.method;
  if (event.tool !== null) facts.tool = event.tool;
  if (event.verdict !== null) facts.verdict = event.verdict;
  if (event.rule !== null) facts.rule = event.rule;
  if (event.policyVersion !== null) facts.policyVersion = event.policyVersion;
  if (event.risk !== undefined) facts.risk = event.risk;
  if (event.unmasked !== undefined) facts.unmaskedLength = byteLength(event.unmasked);
  if (changed) facts.session = changed;
  return facts;
}

function byteLength(bytes: Uint8Array | string): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}
