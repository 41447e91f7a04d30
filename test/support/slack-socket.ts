import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** One Socket Mode connection, seen from Slack's side. */
export interface SlackSocket {
  send(message: object): void;
  /** Closes with a close frame, as Slack does. */
  close(): void;
  /** Cuts the connection without a word. */
  cut(): void;
}

const acceptKey = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const opcodes = { text: 1, close: 8, ping: 9, pong: 10 } as const;

/** Speaks the server's side of a WebSocket (RFC 6455): unfragmented text frames, ping, pong, close. */
export function acceptSocket(
  request: IncomingMessage,
  stream: Duplex,
  on: { message: (text: string) => void; end: () => void },
): SlackSocket {
  const key = String(request.headers['sec-websocket-key']);
  const accept = createHash('sha1')
    .update(key + acceptKey)
    .digest('base64');
  stream.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let buffered = Buffer.alloc(0);
  let closing = false;
  stream.on('data', (chunk: Buffer) => {
    buffered = Buffer.concat([buffered, chunk]);
    for (let frame = readFrame(buffered); frame; frame = readFrame(buffered)) {
      buffered = buffered.subarray(frame.length);
      if (frame.opcode === opcodes.text) on.message(frame.payload.toString());
      if (frame.opcode === opcodes.ping) stream.write(frameOf(opcodes.pong, frame.payload));
      if (frame.opcode === opcodes.close) {
        if (!closing) stream.write(frameOf(opcodes.close, frame.payload));
        stream.end();
      }
    }
  });
  stream.on('error', () => stream.destroy());
  // A process that was killed closes its side only; an upgraded socket of node:http would stay half open.
  stream.once('end', () => stream.end());
  stream.once('close', on.end);
  return {
    send: (message) => {
      if (!stream.destroyed) stream.write(frameOf(opcodes.text, Buffer.from(JSON.stringify(message))));
    },
    close: () => {
      closing = true;
      if (!stream.destroyed) stream.write(frameOf(opcodes.close, Buffer.from([0x03, 0xe8])));
    },
    cut: () => stream.destroy(),
  };
}

function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | null {
  if (bytes.length < 2) return null;
  const short = (bytes[1] ?? 0) & 0x7f;
  const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + extra + 4;
  if (bytes.length < start) return null;
  const size = extra === 0 ? short : extra === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + size) return null;
  const mask = bytes.subarray(2 + extra, start);
  const payload = Buffer.from(bytes.subarray(start, start + size));
  for (let at = 0; at < size; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload, length: start + size };
}

function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : length < 65_536
        ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 0xff])
        : Buffer.concat([Buffer.from([0x80 | opcode, 127]), bigEndian(length)]);
  return Buffer.concat([head, payload]);
}

function bigEndian(length: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(length));
  return bytes;
}
