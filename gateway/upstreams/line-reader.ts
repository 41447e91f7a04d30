/** A line beyond the limit. */
export class LineTooLongError extends Error {
  constructor(maxBytes: number) {
    super(`a line is longer than ${maxBytes} bytes`);
    this.name = 'LineTooLongError';
  }
}

/**
 * Cuts a byte stream into lines. Returns complete lines without their LF (a CR before it is left alone: it is white
 * space to JSON).
 * @throws LineTooLongError from the returned function, after which nothing more is to be pushed
 */
export function createLineReader(maxBytes: number): (chunk: Buffer) => Buffer[] {
  let pieces: Buffer[] = [];
  let length = 0;
  return (chunk) => {
    const lines: Buffer[] = [];
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      const rest = chunk.subarray(from, at);
      if (length + rest.length > maxBytes) throw new LineTooLongError(maxBytes);
      lines.push(pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]));
      pieces = [];
      length = 0;
      from = at + 1;
    }
    if (from < chunk.length) {
      pieces.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > maxBytes) throw new LineTooLongError(maxBytes);
    }
    return lines;
  };
}
