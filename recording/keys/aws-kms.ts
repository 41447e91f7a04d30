import { AwsClient } from 'aws4fetch';
import type { KeySource } from '../key-ring.ts';
import { askService, boundTo, textIn, unboundFrom } from './key-service.ts';
import type { AwsCredentials } from './aws-credentials.ts';

export interface AwsKmsSettings {
  /** ARN of a symmetric key, or of an alias; an id or alias name works within the account. */
  readonly keyId: string;
  readonly region: string;
  /** Null: the region's own. */
  readonly endpoint: string | null;
}

const service = 'AWS KMS';

/**
 * AWS KMS (docs.aws.amazon.com/kms/latest/APIReference: Encrypt, Decrypt). The encryption context is the record's
 * owner: it is authenticated, and it shows in CloudTrail. KMS rotates a key's material by itself and opens what older
 * material wrapped, so that nothing has to be wrapped anew for that.
 */
export function awsKmsKeys(settings: AwsKmsSettings, credentials: () => Promise<AwsCredentials>): KeySource {
  const { keyId, region } = settings;
  const url = settings.endpoint ?? `https://kms.${region}.amazonaws.com/`;
  const prefix = 'aws:';
  const call = async (act: 'Encrypt' | 'Decrypt', body: object): Promise<Record<string, unknown>> => {
    const client = new AwsClient({ ...(await credentials()), region, service: 'kms', retries: 0 });
    return askService(
      service,
      {
        url,
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `TrentService.${act}`,
        },
        body: JSON.stringify(body),
      },
      async (to, init) => client.fetch(to, init),
    );
  };
  return {
    owns: (kekId) => kekId.startsWith(prefix),
    async wrap(dataKey, context) {
      const answer = await call('Encrypt', {
        KeyId: keyId,
        Plaintext: boundTo(dataKey, context).toString('base64'),
        EncryptionContext: { holdpoint: context },
      });
      return {
        kekId: `${prefix}${textIn(service, answer, 'KeyId')}`,
        wrapped: Buffer.from(textIn(service, answer, 'CiphertextBlob'), 'base64'),
      };
    },
    async unwrap({ kekId, wrapped }, context) {
      const answer = await call('Decrypt', {
        // An alias may name another key by now.
        KeyId: kekId.slice(prefix.length),
        CiphertextBlob: Buffer.from(wrapped).toString('base64'),
        EncryptionContext: { holdpoint: context },
      });
      return unboundFrom(Buffer.from(textIn(service, answer, 'Plaintext'), 'base64'), context);
    },
  };
}
