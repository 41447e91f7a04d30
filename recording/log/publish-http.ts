import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { CheckpointPublisher } from './run.ts';

const timeoutMs = 10_000;

/**
 * Posts checkpoints to a URL, signed as Standard Webhooks says (`v1`: HMAC-SHA256).
 * @param secret the key's bytes, or null to send unsigned (a checkpoint is signed in itself)
 */
export function webhookPublisher(url: string, secret: Uint8Array | null): CheckpointPublisher {
  return {
    name: `webhook ${new URL(url).origin}`,
    async publish({ size, note }) {
      const id = `msg_${randomUUID()}`;
      const timestamp = String(Math.floor(Date.now() / 1000));
      const body = JSON.stringify({
        type: 'holdpoint.checkpoint',
        timestamp: new Date().toISOString(),
        data: { size, note },
      });
      const signature =
        secret && createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
      await send(url, body, {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(signature && { 'webhook-signature': `v1,${signature}` }),
      });
    },
  };
}

export interface S3Target {
  /** `https://bucket.s3.region.amazonaws.com` or `https://minio.example/bucket`. */
  readonly bucketUrl: string;
  /** Key of the object; the bucket's versioning or object lock keeps the earlier ones. */
  readonly key: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Puts the latest checkpoint into an S3-compatible store (Signature Version 4). */
export function s3Publisher(target: S3Target): CheckpointPublisher {
  const url = `${target.bucketUrl.replace(/\/$/, '')}/${target.key.split('/').map(encodeURIComponent).join('/')}`;
  return {
    name: `S3 ${new URL(url).origin}`,
    publish: async ({ note }) => send(url, note, s3Headers(target, new URL(url), note, new Date()), 'PUT'),
  };
}

/** Headers of a signed PUT (AWS Signature Version 4). */
export function s3Headers(target: S3Target, url: URL, body: string, now: Date): Record<string, string> {
  const time = now.toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/${target.region}/s3/aws4_request`;
  const bodyHash = createHash('sha256').update(body).digest('hex');
  const signed = 'content-type;host;x-amz-content-sha256;x-amz-date';
  const canonical = [
    'PUT',
    url.pathname,
    '',
    `content-type:text/plain`,
    `host:${url.host}`,
    `x-amz-content-sha256:${bodyHash}`,
    `x-amz-date:${time}`,
    '',
    signed,
    bodyHash,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope, createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  );
  let key: Uint8Array = Buffer.from(`AWS4${target.secretAccessKey}`);
  for (const part of [...scope.split('/'), text]) key = createHmac('sha256', key).update(part).digest();
  const signature = Buffer.from(key).toString('hex');
  return {
    'content-type': 'text/plain',
    'x-amz-content-sha256': bodyHash,
    'x-amz-date': time,
    authorization: `AWS4-HMAC-SHA256 Credential=${target.accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
  };
}

async function send(
  url: string,
  body: string,
  headers: Record<string, string>,
  method = 'POST',
): Promise<void> {
  const answer = await fetch(url, {
    method,
    body,
    headers,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${new URL(url).origin} answered ${answer.status}`);
}
