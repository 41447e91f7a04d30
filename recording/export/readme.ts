/** What the package tells the auditor who opens it. */
export function auditorReadme(vkey: string, checkpoint: { size: number; signedAt: Date }): string {
  const origin = vkey.slice(0, vkey.indexOf('+'));
  return `# A recording exported by Holdpoint

What agents asked for, what came back, and who decided what, from the log \`${origin}\`: ${checkpoint.size} entries,
head signed ${checkpoint.signedAt.toISOString()}.

| file | what it is |
|---|---|
| \`checkpoint\` | the signed head of the log (C2SP tlog-checkpoint), with witnesses' cosignatures, if any |
| \`vkey\` | the log's public key. **Compare it with the one you were given by another way.** |
| \`tile/\` | the Merkle tree and the entries of the whole log (C2SP tlog-tiles); an entry is a record's 180-byte header |
| \`sessions/*/session.json\` | one session: who, when, on which connection |
| \`sessions/*/*.jsonl\` | its records, one a line: what was said, and the sealed bytes with their key to check it by |
| \`sessions/*/*.tlog-proof\` | that a strand's last record is in the log (C2SP tlog-proof); the others are chained to it |
| \`manifest.json\` | SHA-256 of every file |

Times are UTC with microseconds. Text is shown as it was recorded: masked, and otherwise as an agent or a server wrote
it. Treat it as hostile; do not print it to a terminal without making control characters visible.

## Checking it

With Holdpoint, without network, database or keys: \`holdpoint verify . --key '${vkey}'\`

Without Holdpoint, the log alone, with Go: \`go run github.com/transparency-dev/tessera/cmd/fsck@v1.0.4
--storage_url=file://$PWD/ --public_key=vkey --origin=${origin} --ui=false --N=4\`; it must say "Successfully fsck'd"
(go by that and not by its exit code; and set a time limit, since on a damaged log it may retry for ever). The format of headers and lines, well enough to write your own reader, and a walk-through
with Go and openssl: docs/recording-format.md and docs/audit.md of Holdpoint.

A checkpoint that you, or anybody you trust, kept from earlier shows that nothing was rewritten since: give it to
\`holdpoint verify\` with \`--checkpoint FILE\`.
`;
}
