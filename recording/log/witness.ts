import { consistencyProof, type NodeReader } from './merkle.ts';
import { isSignedBy, type NoteVerifier, parseNote } from './note.ts';

/** Somebody else who signs that the log only ever grew (C2SP tlog-witness). */
export interface Witness {
  readonly name: string;
  /**
   * Asks for a cosignature.
   * @param nodes the tree of the checkpoint
   * @returns the note with the witness's signature on it
   * @throws Error when the witness does not answer, refuses, or signs something else
   */
  cosign(checkpoint: { size: number; note: string }, nodes: NodeReader): Promise<string>;
}

const timeoutMs = 5000;

/**
 * A witness reached over HTTP.
 * @param url its submission prefix
 * @param verifier its key; other signatures in its answer are ignored
 */
export function httpWitness(url: string, verifier: NoteVerifier): Witness {
  let knownSize = 0;
  const ask = async (note: string, size: number, nodes: NodeReader): Promise<Response> => {
    const proof = await consistencyProof(nodes, knownSize, size);
    const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
    return fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      body: `old ${knownSize}\n${lines}\n${note}`,
      signal: AbortSignal.timeout(timeoutMs),
    });
  };
  return {
    name: verifier.name,
    async cosign({ size, note }, nodes) {
      let answer = await ask(note, size, nodes);
      if (answer.status === 409 && answer.headers.get('content-type') === 'text/x.tlog.size') {
        const theirs = Number((await answer.text()).trim());
        if (!(theirs <= size))
          throw new Error(`the witness has seen ${theirs} entries, this log has ${size}`);
        knownSize = theirs;
        answer = await ask(note, size, nodes);
      }
      const body = await answer.text();
      if (answer.status !== 200)
        throw new Error(`the witness answered ${answer.status}: ${body.slice(0, 200)}`);
      const own = ownLine(note, body, verifier);
      knownSize = size;
      const others = note.split('\n').filter((line) => !line.startsWith(`— ${verifier.name} `));
      return `${others.join('\n')}${own}\n`;
    },
  };
}

function ownLine(note: string, body: string, verifier: NoteVerifier): string {
  const { text } = parseNote(note);
  for (const line of body.split('\n'))
    if (line.startsWith(`— ${verifier.name} `) && isSignedBy(parseNote(`${text}\n${line}\n`), verifier))
      return line;
  throw new Error(`the witness did not sign as ${verifier.name}`);
}
