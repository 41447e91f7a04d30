/** What `holdpoint --help` prints. */
export const usage = `Holdpoint: risky tool calls of AI agents wait for a person.

Usage: holdpoint COMMAND [options]

Run
  up                          all roles on embedded defaults (npm start)
  gateway|worker|slack|console    one role, as in production
  doctor                      what is missing on this machine, and how to get it

Sign in
  login [--server URL]        at a Holdpoint, by the address of its console; commands go there from then on
  logout|whoami               ends that; says who you are there, and how things stand

Decide
  approvals list              what waits for a decision, and what was decided
  approvals show ID           one request, whole
  approvals approve ID
  approvals deny ID --reason TEXT
  approvals cancel ID
  approvals extend ID         gives a request more time, where policy allows
  freeze [--reason TEXT]      stops all calls at once; unfreeze (two people) lifts it
  grants list|revoke          calls that somebody approved ahead
  outcomes list|mark|…        calls that were sent and never answered

  definitions list            tools whose new or changed definition waits for a person
  definitions show ID         what changed
  definitions approve|reject ID

Contain
  revoke KIND VALUE --reason TEXT     cuts off a person, credential, client, session or connection, at once, everywhere
  unrevoke KIND VALUE --reason TEXT   lets it in again
  revocations                 what is revoked, and by whom

Look back
  sessions list               recorded sessions
  sessions replay SESSION     one session, as it happened
  sessions export SESSION|PERSON|TIMESPAN     a package for an auditor
  break-glass request|approve|view    what was masked, in clear: two people, recorded
  proof CALL                  one file that proves what a call was and who approved it
  verify [FILE]               proves that nothing recorded was altered

Set up
  policy check [FILE]         says what is wrong with a policy, with file and line
  policy test CASES.yaml      runs calls through the policy and compares the verdicts
  mask FILE|-                 prints a text as a masking profile would have it
  mask --report               what a changed policy would mask of recorded traffic, and what no longer
  tokens create|list|revoke   access tokens (hpat_…) of people and services
  clients list|end            programs with which you are signed in
  connections list|disconnect where you signed in at upstream servers yourself
  keys generate               makes the keys that production needs
  call CONNECTION TOOL [JSON] makes one tool call through a running gateway, to try it out

Options
  --server URL    which Holdpoint, by its console (also HOLDPOINT_SERVER); Sign in, Decide, Contain, Look back and tokens
                  go there over HTTP, mask --report too; all else is done on this machine
  --database      beside the database of the configuration instead: for when the console does not run
  --config FILE   configuration (default: holdpoint.yaml in the working directory)
  --data DIR      data of the embedded default (default: .holdpoint)
  --json          machine-readable output, on whatever prints data
  --help          this text; --version: the version

Exit codes: 0 done, 1 failed, 2 usage.
`;
