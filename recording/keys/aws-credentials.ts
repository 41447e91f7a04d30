import { askService, expiringToken, textIn } from './key-service.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

const service = "the machine's AWS credentials";
const metadata = 'http://169.254.169.254';

/**
 * Credentials of the task (ECS, EKS Pod Identity: `AWS_CONTAINER_CREDENTIALS_…`) or of the instance (EC2, IMDSv2),
 * fetched anew before they expire.
 */
export function machineCredentials(
  env: Readonly<Record<string, string | undefined>>,
  readToken: (path: string) => Promise<string>,
): () => Promise<AwsCredentials> {
  const held = expiringToken(async () => {
    const answer = await containerCredentials(env, readToken).then(
      async (found) => found ?? instanceCredentials(),
    );
    const sessionToken = textIn(service, answer, 'Token');
    const credentials = {
      accessKeyId: textIn(service, answer, 'AccessKeyId'),
      secretAccessKey: textIn(service, answer, 'SecretAccessKey'),
      sessionToken,
    };
    return {
      token: JSON.stringify(credentials),
      livesMs: Date.parse(textIn(service, answer, 'Expiration')) - Date.now(),
    };
  });
  return async () => JSON.parse(await held.get()) as AwsCredentials;
}

async function containerCredentials(
  env: Readonly<Record<string, string | undefined>>,
  readToken: (path: string) => Promise<string>,
): Promise<Record<string, unknown> | null> {
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const url = relative ? `http://169.254.170.2${relative}` : env['AWS_CONTAINER_CREDENTIALS_FULL_URI'];
  if (!url) return null;
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file ? (await readToken(file)).trim() : env['AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  return askService(service, { url, method: 'GET', headers: token ? { authorization: token } : {} });
}

async function instanceCredentials(): Promise<Record<string, unknown>> {
  const text = async (path: string, init: RequestInit): Promise<string> => {
    const answer = await fetch(`${metadata}${path}`, { ...init, signal: AbortSignal.timeout(2000) });
    if (!answer.ok) throw new Error(`${service} answered ${answer.status}`);
    return (await answer.text()).trim();
  };
  const token = await text('/latest/api/token', {
    method: 'PUT',
    headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '60' },
  });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const path = '/latest/meta-data/iam/security-credentials/';
  const role = await text(path, { headers });
  return askService(service, {
    url: `${metadata}${path}${encodeURIComponent(role)}`,
    method: 'GET',
    headers,
  });
}
