import { createHash, createHmac, randomUUID } from 'node:crypto';
import { AwsClient } from 'aws4fetch';
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
      const headers = {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': timestamp,
        ...(signature && { 'webhook-signature': `v1,${signature}` }),
      };
      await send(new Request(url, { method: 'POST', body, headers }));
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

/** Puts the latest checkpoint into an S3-compatible store. */
export function s3Publisher(target: S3Target): CheckpointPublisher {
  return {
    name: `S3 ${new URL(target.bucketUrl).origin}`,
    publish: async ({ note }) => send(await s3Put(target, note)),
  };
}

/**
 * The signed request (AWS Signature Version 4) that puts an object. Its checksum is what buckets with object lock
 * insist on (docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html), and every store checks it.
 * @param datetime `20261121T040506Z`, default now
 */
export function s3Put(target: S3Target, body: string, datetime?: string): Promise<Request> {
  const { accessKeyId, secretAccessKey, region } = target;
  const digest = createHash('sha256').update(body).digest();
  const url = `${target.bucketUrl.replace(/\/$/, '')}/${target.key.split('/').map(encodeURIComponent).join('/')}`;
  return new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries: 0 }).sign(url, {
    method: 'PUT',
    body,
    headers: {
      'content-type': 'text/plain',
      'x-amz-content-sha256': digest.toString('hex'),
      'x-amz-checksum-sha256': digest.toString('base64'),
    },
    ...(datetime !== undefined && { aws: { datetime } }),
  });
}

async function send(request: Request): Promise<void> {
  const answer = await fetch(request, { redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
  const said = await answer.text();
  if (answer.ok) return;
  // Of an error's XML or JSON only the code: the rest may repeat what was sent.
  const code = /<Code>(\w{1,60})<\/Code>/.exec(said)?.[1];
  const { origin } = new URL(request.url);
  throw new Error(`${origin} answered ${answer.status}${code === undefined ? '' : ` ${code}`}`);
}
