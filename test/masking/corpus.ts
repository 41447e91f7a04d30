import { nearRules, prefixRules } from '../../masking/detect/vendor-tokens.ts';
import { nationalIds } from '../../masking/rules/national-ids.ts';
import { readShape } from '../../masking/rules/shape.ts';

/** One value that must be hidden, and the words people put around it. */
export interface Sample {
  readonly family: 'secrets' | 'pii' | 'payment';
  readonly detector: string;
  readonly value: string;
  /** Text before the value, where the detector needs context; otherwise empty. */
  readonly lead: string;
  /** The part that must not be left in clear, where it is not the whole. */
  readonly hidden: string;
}

/** Ways in which a value reaches a reply. Each gives the text of a leaf. */
export const layouts: Readonly<Record<string, (lead: string, value: string) => string>> = {
  plain: (lead, value) => `The deployment used ${lead} ${value} and went on.`,
  json: (lead, value) => JSON.stringify({ note: `${lead} ${value}`.trim(), count: 3 }),
  'escaped json': (lead, value) => JSON.stringify(JSON.stringify({ note: `${lead} ${value}`.trim() })),
  url: (lead, value) =>
    `https://host.example/p?q=${lead === '' ? '' : `${encodeURIComponent(lead)}%20`}${encodeURIComponent(value)}&page=2`,
  log: (lead, value) => `2026-03-04T10:11:12.131Z WARN  [worker-3] retry=2 ${lead} ${value} status=500`,
  'markdown table': (lead, value) =>
    `| field | content |\n|---|---|\n| ${lead || 'entry'} | ${value} |\n| other | x |`,
  quoted: (lead, value) => `${lead} "${value}"`,
  'end of line': (lead, value) => `first line\n${lead} ${value}\nlast line`,
};

function fromShapes(): Sample[] {
  const samples: Sample[] = [];
  for (const rule of prefixRules) {
    for (const source of rule.shapes) {
      for (const seed of [11, 202, 3_003]) samples.push(secret(rule.name, source, seed, ''));
    }
  }
  for (const rule of nearRules) {
    for (const source of rule.shapes) {
      for (const seed of [17, 404, 5_005])
        samples.push(secret(rule.name, source, seed, `${rule.near[0]}_api_key`));
    }
  }
  return samples;
}

function secret(detector: string, source: string, seed: number, lead: string): Sample {
  const shape = readShape(source);
  const value = shape.sample(seed);
  const inner = new RegExp(shape.pattern).exec(value)?.[shape.hidden] ?? value;
  return { family: 'secrets', detector, value, lead, hidden: inner };
}

const one = (family: Sample['family'], detector: string, value: string, lead = ''): Sample => ({
  family,
  detector,
  value,
  lead,
  hidden: value,
});

/** Every built-in detector's positives. Values are made up or the issuers' own published examples. */
export function positives(): Sample[] {
  return [
    ...fromShapes(),
    ...nationalIds.map((id) => one('pii', id.name, id.example, id.near?.[0] ?? '')),
    ...['alice@example.com', 'bob.smith+tag@mail.example.co.uk', 'o_brien-7@sub.example.org'].map((value) =>
      one('pii', 'email', value),
    ),
    ...[
      '+49 171 1234567',
      '+1 (415) 555-2671',
      '+33 6 12 34 56 78',
      '+442079460958',
      '(415) 555-2671',
      '415-555-2671',
      '415.555.2671',
      '020 7946 0958',
      '07700 900123',
      '06 12 34 56 78',
      '030-1234567',
      '0171 1234567',
      '0412 345 678',
      '+91 98765 43210',
      '+81-90-1234-5678',
      '+55 11 91234-5678',
    ].map((value) => one('pii', 'phone', value)),
    ...['10.20.30.40', '203.0.113.77', '2001:db8:85a3::8a2e:370:7334', 'fe80::1ff:fe23:4567:890a'].map(
      (value) => one('pii', 'ip', value),
    ),
    ...['00:1b:44:11:3a:b7', '00-1B-44-11-3A-B7', 'a4:83:e7:2f:9c:01'].map((value) =>
      one('pii', 'mac', value),
    ),
    ...[
      '1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa',
      '3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy',
      'bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq',
      '0x52908400098527886E0F7030069857D2E4169EE7',
    ].map((value) => one('pii', 'crypto-wallet', value)),
    ...['1985-04-12', '12/04/1985', '4 March 1979'].map((value) =>
      one('pii', 'date-of-birth', value, 'date of birth'),
    ),
    ...['C01X00T47', '533380006', 'L8988901C'].map((value) =>
      one('pii', 'passport', value, 'passport number'),
    ),
    ...[
      '4111 1111 1111 1111',
      '4111111111111111',
      '5555-5555-5555-4444',
      '378282246310005',
      '6011 1111 1111 1117',
      '3530111333300000',
      '30569309025904',
      '2223003122003222',
      '6200000000000005',
    ].map((value) => one('payment', 'payment-card', value)),
    ...[
      'DE89370400440532013000',
      'DE89 3704 0044 0532 0130 00',
      'GB82 WEST 1234 5698 7654 32',
      'FR1420041010050500013M02606',
      'NL91ABNA0417164300',
      'NO9386011117947',
      'MT84MALT011000012345MTLCAST001S',
      'CH9300762011623852957',
      'SA0380000000608010167519',
      'BR9700360305000010009795493P1',
    ].map((value) => one('payment', 'iban', value)),
  ];
}

/** Texts in which nothing is sensitive: near misses of the detectors, and everyday replies of tools. */
export const negatives: readonly string[] = [
  'The quick brown fox jumps over the lazy dog.',
  'Commit 3f786850e387550fdab836ed7e6dc881de23001b fixed the build on 2026-03-04.',
  'request 550e8400-e29b-41d4-a716-446655440000 took 131.52 ms',
  'sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  'Version 10.15.7 (build 19H2026), node v24.21.0, released 2026-11-03',
  '2026-03-04T10:11:12.131Z INFO started on port 8470 in 1523 ms',
  'src/masking/scan.ts:131:17 - error TS2345: Argument of type',
  '{"id":1234567,"total":99.95,"currency":"EUR","items":[1,2,3],"createdAt":"2026-03-04T10:11:12Z"}',
  '{"nextPageToken":"CAUQAA","max_tokens":4096,"usage":{"prompt_tokens":131,"completion_tokens":77}}',
  '{"type":"object","properties":{"password":{"type":"string","description":"The password"},"token":{"type":"string"}},"required":["password"]}',
  'password: required, at least 12 characters',
  'Enter your password: ',
  'const token = await getToken(client);',
  'export API_KEY=${API_KEY}',
  'token: <your-token>',
  'The secret of good code is naming.',
  'order 1234-5678-9012 shipped',
  '4111 1111 1111 1112 is not a valid number',
  'DE89 3704 0044 0532 0130 01 has a wrong checksum',
  '000-12-3456 and 666-12-3456 were never issued',
  'tuple (1, 2, 3), range 10-20, ratio 16:9, time 10:11:12',
  'a::b::c is a C++ name, std::vector<int>::iterator too',
  'npm install @types/node@24.19.2 --save-dev',
  'git clone git@github.com:owner/repo.git',
  'logo@2x.png and icon@3x.jpg',
  'https://example.com/docs/page?lang=en&sort=asc#section-2',
  'const color = "#ff8800"; const mask = 0xdeadbeef;',
  'lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor',
  "SELECT id, name, total FROM orders WHERE total > 100 AND status = 'open' LIMIT 50;",
  '| id | name | total |\n|---|---|---|\n| 1 | Widget | 20.50 |\n| 2 | Gadget | 31.00 |',
  'id,name,qty\n1,Widget,5\n2,Gadget,7\n',
  'ISBN 978-3-16-148410-0, EAN 4006381333931',
  'latitude 48.858370, longitude 2.294481',
  'epoch 1772619072131, population 83 200 000',
  '127.0.0.1:8470 and 0.0.0.0 and ::1 are local',
  'primary_key=id foreign_key=customer_id cache_key=orders',
  'keyboard shortcuts: Ctrl+K opens the menu; monkey: banana',
  'author: Jane, authorised by: the board, authority: none',
  '{"keys":["a","b"],"tokens":17,"session":"daily","secretName":"db"}',
  'Total: 1,234,567.89 EUR (approx. 1.3 million)',
  'chapter 3.1.4.1 covers section 2.7.18',
  'Build #20260304.12 passed 1204 of 1204 tests in 00:12:31',
  'UPDATE 15, DELETE 3, INSERT 0 1',
  'ssh-keygen creates ~/.ssh/id_ed25519 and ~/.ssh/id_ed25519.pub',
  'error[E0308]: mismatched types, expected `u32`, found `&str`',
  'The API key is missing. Pass the token in the Authorization header.',
  'sk-learn, sk_test_ and pk_ are prefixes',
  'A user with an ID like 100023 and an order like ORD-2026-000131',
  'pip install scikit-learn==1.5.0 numpy>=2.0',
  'dark_mode=true&page=3&per_page=50',
];
