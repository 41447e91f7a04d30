import type { Config } from './config/config.ts';
import type { Running } from './up.ts';

/** What `holdpoint up` prints once everything runs: where things are and what to try first. */
export function banner(config: Config, { run, loginLink, slack }: Running): string {
  const names = Object.keys(config.connections);
  const [first] = names;
  const lines = ['', 'Holdpoint is running. Ctrl-C stops it; the next start goes on where it was.', ''];
  for (const name of names) lines.push(`  Agents     ${run.agentsUrl}/mcp/${name}`);
  lines.push(`  Console    ${loginLink ?? run.consoleUrl}`);
  if (loginLink) lines.push('             (a login link: it works once, within ten minutes)');
  if (run.temporalUiUrl)
    lines.push(`  Temporal   ${run.temporalUiUrl}/namespaces/${config.temporal.namespace}/workflows`);
  lines.push(
    `  Slack      ${slack ? 'connected' : 'not configured (docs/slack.md); decide in the console or with `npx holdpoint approvals`'}`,
  );
  lines.push(`  Policy     ${config.policy} (changes apply at once)`);
  lines.push(`  Log        ${config.dataDir}/holdpoint.log`);
  if (first) {
    lines.push(
      '',
      'Connect an agent:',
      '',
      `  claude mcp add --transport http holdpoint ${run.agentsUrl}/mcp/${first}`,
    );
  }
  if (first === 'files' && config.file === null) lines.push(...firstCalls());
  if (config.identity.anonymous)
    lines.push(
      '',
      `Without an identity provider, a caller is "${config.identity.anonymous.subject}" and whoever opens the console is "local-approver".`,
    );
  return `${lines.join('\n')}\n\n`;
}

function firstCalls(): string[] {
  return [
    '',
    'Try it in a second terminal. Passes, and comes back masked:',
    '',
    `  npx holdpoint call files read_text_file '{"path": "deploy.env"}'`,
    '',
    'Is held until you approve it in the console (or with `npx holdpoint approvals`):',
    '',
    `  npx holdpoint call files write_file '{"path": "hello.txt", "content": "Hello."}'`,
  ];
}
