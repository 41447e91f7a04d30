import assert from 'node:assert/strict';
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  verify,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { decodeHeader, leafHash, sessionRef } from '../../recording/header.ts';
import { openCheckpoint } from '../../recording/log/checkpoint.ts';
import { noteSigner, noteVerifier } from '../../recording/log/note.ts';
import { openProof } from '../../recording/log/proof.ts';
import { entriesOf } from '../../recording/log/tiles.ts';
import { openTombstone, signTombstone } from '../../recording/log/tombstone.ts';
import { openCopy, readCopyKey } from '../../recording/sealed-copy.ts';
import { payloadOpener } from '../../recording/strand.ts';

interface Vectors {
  dataKey: string;
  sessionId: string;
  sessionReference: string;
  records: {
    kind: string;
    direction: string;
    facts: Record<string, unknown>;
    bytes: string;
    unmasked: string | null;
    header: string;
    sealed: string;
    key: string;
    leaf: string;
  }[];
  log: {
    seed: string;
    vkey: string;
    checkpoint: string;
    entries: string;
    tile0: string;
    root: string;
    proofOfEntry1: string;
    tombstone: { hex: string; session: string; atMicros: number; because: string };
  };
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const read = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`vectors/${name}.json`, import.meta.url), 'utf8'));
const vectors = (await read('v1')) as Vectors;
/** With a risk, and a sealed copy. */
const later = (await read('v1-copy')) as Omit<Vectors, 'log'> & { copyKey: string; copied: string };

for (const { dataKey, sessionId, sessionReference, records } of [vectors, later])
  test(`what was recorded in version 1 is still read: ${sessionId}`, () => {
    const opener = payloadOpener(hex(dataKey));
    let previous: Uint8Array = Buffer.alloc(32);
    for (const [seq, vector] of records.entries()) {
      const bytes = hex(vector.header);
      const header = decodeHeader(bytes);
      const { facts, bytes: said } = opener.open(bytes, hex(vector.sealed));
      assert.deepEqual([header.kind, header.direction, header.seq], [vector.kind, vector.direction, seq]);
      assert.deepEqual(facts, vector.facts);
      assert.equal(said.toString('base64'), vector.bytes);
      assert.equal(opener.recordKey(bytes).toString('hex'), vector.key);
      assert.deepEqual(Buffer.from(header.previous), Buffer.from(previous));
      assert.equal(
        vector.unmasked === null ? null : opener.wasUnmasked(bytes, vector.unmasked),
        vector.unmasked === null ? null : true,
      );
      previous = leafHash(bytes);
      assert.equal(leafHash(bytes).toString('hex'), vector.leaf);
    }
    assert.equal(sessionRef(sessionId).toString('hex'), sessionReference);
  });

test("what was masked opens with the private key that it was sealed to, and its session's", () => {
  const copy = later.records.find(({ kind }) => kind === 'copy');
  const header = decodeHeader(hex(copy?.header ?? ''));
  const { bytes } = payloadOpener(hex(later.dataKey)).open(hex(copy?.header ?? ''), hex(copy?.sealed ?? ''));
  assert.equal(openCopy(readCopyKey(later.copyKey), bytes, header).toString(), later.copied);
  assert.deepEqual(later.records[1]?.facts['risk'], 'critical');
});

test('one changed bit in header or payload, or another place, does not open', () => {
  const opener = payloadOpener(hex(vectors.dataKey));
  const [, first, second] = vectors.records;
  assert.ok(first && second);
  const sealed = hex(first.sealed);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => opener.open(hex(first.header), changed));
  }
  for (let at = 0; at < 116; at += 1) {
    const changed = hex(first.header);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => opener.open(changed, sealed), `header byte ${at}`);
  }
  assert.throws(() => opener.open(hex(second.header), sealed));
});

test('a reader written from the document alone reads it too', () => {
  // docs/recording-format.md, sections 2 to 5, with nothing of ours.
  const both = [vectors, later].flatMap((one) =>
    one.records.map((vector) => ({ vector, dataKey: hex(one.dataKey) })),
  );
  for (const { vector, dataKey } of both) {
    const header = hex(vector.header);
    const sealed = hex(vector.sealed);
    assert.equal(header.toString('latin1', 0, 4), 'HPR1');
    const strand = header.subarray(8, 24);
    const keys = Buffer.from(hkdfSync('sha256', dataKey, strand, 'holdpoint/recording/v1', 64));
    const position = header.subarray(56, 64);
    const key = createHmac('sha256', createSecretKey(keys.subarray(0, 32)))
      .update(position)
      .digest();
    assert.deepEqual(createHash('sha256').update(sealed).digest(), header.subarray(116, 148));
    assert.equal(header.readUInt32BE(80), sealed.length);
    const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), Buffer.alloc(12), {
      authTagLength: 16,
    });
    decipher.setAAD(header.subarray(0, 116));
    decipher.setAuthTag(sealed.subarray(-16));
    const payload = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    const length = payload.readUInt32BE(0);
    assert.deepEqual(JSON.parse(payload.toString('utf8', 4, 4 + length)), vector.facts);
    assert.equal(payload.subarray(4 + length).toString('base64'), vector.bytes);
    if (vector.unmasked !== null)
      assert.deepEqual(
        createHmac('sha256', createSecretKey(keys.subarray(32)))
          .update(position)
          .update(vector.unmasked)
          .digest(),
        header.subarray(84, 116),
      );
    const leaf = createHash('sha256')
      .update(Buffer.from([0]))
      .update(header)
      .digest('hex');
    assert.equal(leaf, vector.leaf);
  }
});

test('the log of version 1 still verifies, and signs to the same bytes', () => {
  const { log } = vectors;
  const signer = noteSigner('vector.example/log', hex(log.seed));
  assert.equal(signer.vkey, log.vkey);
  const verifier = noteVerifier(log.vkey);
  const checkpoint = openCheckpoint(log.checkpoint, verifier);
  assert.deepEqual([checkpoint.size, checkpoint.root.toString('hex')], [5, log.root]);
  const text = log.checkpoint.slice(0, log.checkpoint.indexOf('\n\n') + 1);
  assert.equal(signer.signNote(text), log.checkpoint);
  const entries = [...entriesOf(hex(log.entries))];
  assert.equal(Buffer.concat(entries.map(leafHash)).toString('hex'), log.tile0);
  assert.equal(openProof(log.proofOfEntry1, leafHash(entries[1] ?? Buffer.alloc(0)), verifier).index, 1);
  assert.throws(() => openProof(log.proofOfEntry1, leafHash(entries[2] ?? Buffer.alloc(0)), verifier));
  const { tombstone } = log;
  assert.equal(
    signTombstone(tombstone.session, tombstone.atMicros, tombstone.because, signer).toString('hex'),
    tombstone.hex,
  );
  assert.equal(openTombstone(hex(tombstone.hex), verifier)?.because, tombstone.because);
  assert.deepEqual(entries[4], hex(tombstone.hex));
  const forged = hex(tombstone.hex);
  forged[10] = (forged[10] ?? 0) ^ 1;
  assert.equal(openTombstone(forged, verifier), null);
});

test('a tombstone is signed over what the document says', () => {
  const entry = hex(vectors.log.tombstone.hex);
  const raw = Buffer.from(vectors.log.vkey.split('+').slice(2).join('+'), 'base64').subarray(1);
  const spki = Buffer.concat([hex('302a300506032b6570032100'), raw]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  const signed = Buffer.concat([Buffer.from('holdpoint/tombstone/v1\n'), entry.subarray(0, -64)]);
  assert.equal(verify(null, signed, key, entry.subarray(-64)), true);
});
