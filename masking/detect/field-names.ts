/**
 * Judges names: keys of JSON, columns, variables, flags, XML elements. A name is cut into words (camel, snake and
 * kebab case alike) and compared as words, so that `next_page_token` and `max_tokens` are told from `apiToken`.
 */

/** What a name says of its value. `strong` values are hidden whatever they look like; `weak` ones only if random. */
export interface NameVerdict {
  readonly detector: string;
  readonly strength: 'strong' | 'weak';
}

const strong = (detector: string): NameVerdict => ({ detector, strength: 'strong' });
const weak = (detector: string): NameVerdict => ({ detector, strength: 'weak' });

/** Names in normal form (words joined by one space) that end a key, longest first. */
const endings: readonly (readonly [string, NameVerdict])[] = [
  ...[
    'password',
    'passwd',
    'pwd',
    'passphrase',
    'passcode',
    'pass phrase',
    'pass word',
    'pass',
    'userpass',
    'dbpass',
    'dbpassword',
    'passwort',
    'kennwort',
    'contrasena',
    'mot de passe',
    'senha',
    'motdepasse',
    'rootpw',
    'pw',
  ].map((name) => [name, strong('password')] as const),
  ...[
    'secret',
    'client secret',
    'secret key',
    'secret access key',
    'shared secret',
    'signing secret',
    'signing key',
    'encryption key',
    'private key',
    'master key',
    'app secret',
    'consumer secret',
    'webhook secret',
    'session secret',
    'jwt secret',
    'api key',
    'apikey',
    'api token',
    'apitoken',
    'api secret',
    'apisecret',
    'access key',
    'accesskey',
    'account key',
    'auth key',
    'authkey',
    'auth token',
    'authtoken',
    'access token',
    'accesstoken',
    'refresh token',
    'id token',
    'session token',
    'bearer token',
    'oauth token',
    'security token',
    'service token',
    'app key',
    'appkey',
    'application key',
    'license key',
    'storage key',
    'shared access key',
    'secret token',
    'hmac key',
    'credential',
    'credentials',
    'totp secret',
    'otp secret',
    'mfa secret',
    'seed phrase',
    'mnemonic',
    'recovery phrase',
    'recovery code',
    'privatekey',
    'secretkey',
    'clientsecret',
    'accountkey',
    'sharedaccesskey',
    'private token',
    'personal access token',
    'x api key',
    'deploy key',
    'deploy token',
    'bot token',
    'salt key',
    'token secret',
    'signature key',
    'connection string',
    'connectionstring',
    'webhook url',
  ].map((name) => [name, weak('credential')] as const),
  ...[
    'token',
    'key',
    'auth',
    'authorization',
    'proxy authorization',
    'cookie',
    'set cookie',
    'session',
    'session id',
    'sessionid',
    'sid',
    'jsessionid',
    'phpsessid',
    'csrf',
    'xsrf',
    'jwt',
    'bearer',
    'pat',
    'otp',
    'salt',
    'nonce secret',
    'signature',
    'sig',
    'cred',
    'creds',
    'apitok',
    'sas',
    'dsn',
  ].map((name) => [name, weak('credential')] as const),
  ...['cvv', 'cvc', 'cvv2', 'cvc2', 'card code', 'security code', 'card verification value', 'cvn'].map(
    (name) => [name, strong('card-code')] as const,
  ),
  ...['pin', 'pin code', 'card pin'].map((name) => [name, strong('pin')] as const),
  ...[
    'ssn',
    'social security number',
    'social security',
    'social security no',
    'socialsecuritynumber',
    'ssn number',
    'itin',
    'tax id',
    'taxid',
    'tin',
  ].map((name) => [name, strong('us-ssn')] as const),
  ...['passport', 'passport number', 'passport no', 'passportnumber', 'passport id'].map(
    (name) => [name, strong('passport')] as const,
  ),
  ...[
    'national id',
    'national id number',
    'national insurance number',
    'nino',
    'aadhaar',
    'aadhaar number',
    'pesel',
    'bsn',
    'cpf',
    'curp',
    'personnummer',
    'fiscal code',
    'codice fiscale',
    'steuer id',
    'nric',
    'dni',
    'nie',
    'tckn',
    'oib',
    'egn',
    'cnp',
    'identity number',
  ].map((name) => [name, strong('national-id')] as const),
  ...[
    'drivers license',
    'driver license',
    'drivers license number',
    'driver licence',
    'driving licence',
    'driving license',
    'driver license number',
    'license number',
  ].map((name) => [name, strong('driver-license')] as const),
  ...['date of birth', 'birth date', 'birthdate', 'dob', 'birthday', 'dateofbirth', 'born on'].map(
    (name) => [name, strong('date-of-birth')] as const,
  ),
  ...[
    'card number',
    'cardnumber',
    'credit card number',
    'credit card',
    'creditcard',
    'cc number',
    'ccnum',
    'pan number',
    'primary account number',
    'card no',
  ].map((name) => [name, strong('payment-card')] as const),
  ...[
    'iban',
    'bank account',
    'bank account number',
    'account number',
    'routing number',
    'sort code',
    'accountnumber',
  ].map((name) => [name, strong('bank-account')] as const),
  ...[
    'phone',
    'phone number',
    'mobile',
    'mobile number',
    'telephone',
    'cell phone',
    'phonenumber',
    'fax',
    'tel',
    'msisdn',
  ].map((name) => [name, strong('phone')] as const),
  ...[
    'street',
    'street address',
    'address line',
    'address line 1',
    'address line 2',
    'home address',
    'postal address',
    'mailing address',
    'street name',
  ].map((name) => [name, strong('address')] as const),
];

/** Names that end like a secret's and are none. Compared with the last two words of the normal form. */
const innocent = new Set([
  'page token',
  'next token',
  'continuation token',
  'cursor token',
  'progress token',
  'sync token',
  'max token',
  'token key',
  'public key',
  'primary key',
  'foreign key',
  'partition key',
  'sort key',
  'row key',
  'cache key',
  'idempotency key',
  'hash key',
  'object key',
  'unique key',
  'composite key',
  'map key',
  'index key',
  'issue key',
  'project key',
  'group key',
  'range key',
  'lookup key',
  'dedupe key',
  'dedup key',
  'routing key',
  'translation key',
  'i18n key',
  'hot key',
  'shortcut key',
  'stop token',
  'eos token',
  'pad token',
  'bos token',
  'start token',
  'first token',
  'last token',
  'new token',
  'per token',
  'no auth',
  'basic auth',
  'required auth',
  'key key',
  'column key',
  'item key',
  'data key',
  'config key',
  'parent key',
  'child key',
  'metadata key',
  'ssh public key',
  'by pass',
  'boarding pass',
  'first pass',
  'second pass',
  'test pass',
  'message key',
  'storage class',
  'method signature',
  'function signature',
  'type signature',
  'resume token',
  'query token',
  'invalid token',
  'unexpected token',
  'host key',
  'known key',
  'answer key',
  'display key',
  'state key',
  'react key',
  'query key',
  'gpg public key',
  'kms key',
  'ec2 key',
]);

const endingOf = new Map(endings);
const numbered = /^(?:.*\D)?(\d+)$/;

/** Cuts a name into lower-case words joined by one space: `X-Api-Key`, `xApiKey`, `x_api_key` → `x api key`. */
export function normalName(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9\u0080-\uffff]+/g, ' ')
    .trim()
    .toLowerCase();
}

function judge(name: string): NameVerdict | null {
  let normal = normalName(name);
  if (numbered.test(normal)) normal = normal.replace(/ ?\d+$/, '');
  if (normal.length < 2 || normal.length > 80) return null;
  const words = normal.split(' ');
  if (innocent.has(words.slice(-2).join(' ')) || innocent.has(words.slice(-3).join(' '))) return null;
  const lastWord = words.at(-1) ?? '';
  const plural =
    lastWord.endsWith('s') && lastWord.length > 4
      ? words.slice(0, -1).concat(lastWord.slice(0, -1)).join(' ')
      : null;
  for (let length = Math.min(4, words.length); length > 0; length -= 1) {
    const found = endingOf.get(words.slice(-length).join(' '));
    if (found !== undefined) return found;
    // A plural names several values only for passwords and secrets; `tokens` and `keys` mostly count or list.
    if (plural !== null) {
      const single = endingOf.get(plural.split(' ').slice(-length).join(' '));
      if (single !== undefined && (single.strength === 'strong' || length > 1 || plural.endsWith('secret')))
        return single;
    }
  }
  const tail =
    /(?:^|[a-z0-9])(password|passwd|passphrase|secret|apikey|token|pwd)(?:value|string|base64|hash|raw|plain|text|enc|old|new)?$/.exec(
      normal.replaceAll(' ', ''),
    );
  if (tail === null || /(?:page|max|next|cursor|num|count|bypass)token$/.test(normal.replaceAll(' ', '')))
    return null;
  return endingOf.get(tail[1] ?? '') ?? weak('credential');
}

/** A judge of names that remembers what it has seen: keys repeat. The memory is bounded. */
export function createNameJudge(): (name: string) => NameVerdict | null {
  const seen = new Map<string, NameVerdict | null>();
  return (name) => {
    if (name.length > 120) return null;
    const known = seen.get(name);
    if (known !== undefined) return known;
    const verdict = judge(name);
    if (seen.size >= 4_096) seen.clear();
    seen.set(name, verdict);
    return verdict;
  };
}
