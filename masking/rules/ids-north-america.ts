import { luhn, weighted } from '../checksums.ts';
import { anything, last, n, named, varied } from './national-id.ts';
import type { NationalId } from './national-id.ts';

/** Personal Health Number of British Columbia. */
const columbian = (id: string): boolean =>
  (11 - (weighted(id.slice(1), [2, 4, 8, 5, 10, 9, 7, 3]) % 11)) % 11 === last(id);

/** Identity, tax, insurance and health numbers of persons in the United States and Canada. */
export const northAmericanIds: readonly NationalId[] = [
  {
    name: 'us-ssn',
    pattern: `(?!000|666|9)\\d{3}([- ])(?!00)\\d{2}\\1(?!0000)\\d{4}`,
    check: anything,
    source: 'ssa.gov/employer/randomization.html',
    example: '536-22-8145',
  },
  {
    name: 'us-ssn',
    pattern: '(?!000|666|9)\\d{3}(?!00)\\d{2}(?!0000)\\d{4}',
    check: varied,
    near: [
      'ssn',
      'social security',
      'social_security',
      'socialsecurity',
      'soc sec',
      'social insurance',
      'taxpayer',
    ],
    source: 'ssa.gov/employer/randomization.html',
    example: '536228145',
  },
  {
    // Never issued, but written: after its word any number of this form is hidden.
    name: 'us-ssn',
    pattern: '\\d{3}[- ]\\d{2}[- ]\\d{4}',
    check: anything,
    near: ['ssn', 'social security', 'social_security', 'socialsecurity'],
    source: 'ssa.gov/employer/randomization.html',
    example: '987-65-4320',
  },
  {
    name: 'us-itin',
    pattern: '9\\d{2}([- ])(?:5\\d|6[0-5]|7\\d|8[0-8]|9[0-24-9])\\1\\d{4}',
    check: anything,
    source: 'irs.gov/individuals/individual-taxpayer-identification-number',
    example: '912-72-4457',
  },
  {
    name: 'ca-sin',
    pattern: '(?<!\\d )[1-79]\\d{2}([- ])\\d{3}\\1\\d{3}(?! \\d)',
    check: luhn,
    source: 'canada.ca/en/employment-social-development/services/sin',
    example: '130-692-544',
  },
  {
    name: 'ca-sin',
    pattern: '[1-79]\\d{8}',
    check: luhn,
    near: ['sin', 'social insurance', 'sin number'],
    source: 'canada.ca/en/employment-social-development/services/sin',
    example: '130692544',
  },
  named(
    'ca-health-number',
    '9\\d{3}[ -]?\\d{3}[ -]?\\d{3}',
    ['phn', 'health', 'care card'],
    '9698 658 215',
    'health.gov.bc.ca',
    columbian,
  ),
  named(
    'ca-health-number',
    '\\d{4}[- ]?\\d{3}[- ]?\\d{3}(?:[- ]?[A-Z]{2})?',
    ['ohip', 'health card', 'health insurance', 'health number'],
    '1234-567-897-AB',
    'ontario.ca',
  ),
  named(
    'ca-health-number',
    '[A-Z]{4} ?\\d{4} ?\\d{4}',
    ['ramq', 'assurance maladie', 'health'],
    'BOUF 9401 1419',
    'ramq.gouv.qc.ca',
  ),
  named('us-ein', '\\d{2}-\\d{7}', ['ein', 'employer', 'tax id', 'tin'], '91-1144442', 'irs.gov/businesses'),
  named('us-atin', '9\\d{2}[- ]93[- ]\\d{4}', ['atin', 'adoption'], '912-93-3456', 'irs.gov/individuals'),
  named('us-ptin', 'P-?\\d{8}', ['ptin', 'preparer'], 'P-00634642', 'irs.gov/tax-professionals'),
  named(
    'us-mbi',
    '[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d-?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]\\d-?[AC-HJKMNP-RT-Y]{2}\\d{2}',
    ['mbi', 'medicare', 'beneficiary'],
    '1EG4TE5MK73',
    'cms.gov/medicare/new-medicare-card',
  ),
  named('us-npi', '[12]\\d{9}', ['npi', 'provider identifier'], '1234567893', 'cms.gov/nppes', (id) =>
    luhn(`80840${id}`),
  ),
  named(
    'us-dea',
    '[A-Z][A-Z9]\\d{7}',
    ['dea', 'drug enforcement'],
    'AB1234563',
    'deadiversion.usdoj.gov',
    (id) =>
      (n(id, 2, 3) + n(id, 4, 5) + n(id, 6, 7) + 2 * (n(id, 3, 4) + n(id, 5, 6) + n(id, 7, 8))) % 10 ===
      last(id),
  ),
];
