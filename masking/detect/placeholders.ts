const placeholder =
  /^(?:<[^<>]*>|\$?\{\{?[^{}]*\}?\}|\$[A-Z_][A-Z0-9_]*|%[A-Za-z_]+%|\$\([^()]*\)|\*+|x{3,}|X{3,}|\.{3,}|•+|_+|-+|\[(?:masked|redacted|hidden|filtered)[^\]]*\]|\[\[[^\]]*\]\]|(?:your|insert|enter|replace|example)[-_ ][a-z0-9_ -]*|(?:my|the|some)[-_ ]?(?:secret|password|token|key|api[-_ ]?key)|REDACTED|redacted|hidden|masked|process\.env\..*|os\.environ.*|secrets\..*|env\..*|vars?\..*)$/;
const notValues = new Set([
  'true',
  'false',
  'null',
  'none',
  'nil',
  'undefined',
  'string',
  'str',
  'number',
  'integer',
  'boolean',
  'bool',
  'object',
  'array',
  'required',
  'optional',
  'text',
  'password',
  'passwd',
  'pass',
  'pwd',
  'secret',
  'token',
  'key',
  'bearer',
  'basic',
  'digest',
  'yes',
  'no',
  'on',
  'off',
  'enabled',
  'disabled',
  'unknown',
  'n/a',
  'na',
  'tbd',
  'todo',
  'int',
  'char',
  'varchar',
  'any',
  'hidden',
  'valid',
  'invalid',
  'expired',
  'missing',
  'incorrect',
  'wrong',
  'empty',
  'unset',
  'set',
  'default',
  'public',
  'private',
  'auto',
  'manual',
  'must',
  'should',
  'is',
  'are',
  'the',
  'a',
  'an',
  'and',
  'or',
  'for',
  'of',
  'to',
  'in',
  'not',
  'was',
  'has',
  'email',
  'username',
  'name',
  'value',
  'type',
  'description',
  'example',
  'placeholder',
  'redacted',
]);

const longestNotValue = Math.max(...[...notValues].map((value) => value.length));

const typeName = /^[*&]?(?:u?int\d*|byte|rune|uintptr|float\d*|usize|void|string|str|bool)\b/;
const begunTemplate =
  /^(?:\$\(|[$#]\{[^}!@$^*]*(?:\}|$)|\{\{|\{[A-Za-z_]\w*(?:\(|$)|@\w+\[:|%\w+\(|<%|<[A-Za-z_])/;
/** Variables of shells, PHP and PowerShell, names of constants, and marks that a deployment replaces. */
const handedOn =
  /^(?:\$[A-Za-z_]*(?:pass|pwd|pswd|pswrd|secret|token|key|auth|cred|var|_)[A-Za-z_]*;?|[A-Z_]*(?:PASS|PWD|SECRET|TOKEN|KEY)[A-Z_]*|%%[^%\s]+%%|__\w+__|@[a-z][\w.-]*@|#\{[^{}]*\})$/i;
const stopgap =
  /(?:put|insert|enter|paste|your|my)[-_ ](?:own[-_ ])?(?:api|auth|access|secret|token|key|password)|place[-_]?holder|change[-_]?me|replace[-_]?(?:me|with|this)|(?:token|key|secret|password)[-_]here|redacted|x{12}|\*{4}|\.{4}/i;

/** Whether a text stands for a value rather than being one: empty, a variable, a template, a mask. */
export function isPlaceholder(value: string): boolean {
  if (value.length === 0) return true;
  const head = value.length > 200 ? value.slice(0, 200) : value;
  return (
    placeholder.test(head) ||
    isHandedOn(head) ||
    begunTemplate.test(head) ||
    (value.length < 24 && typeName.test(head) && !/\d{3}/.test(head)) ||
    (value.length <= longestNotValue && notValues.has(value.toLowerCase())) ||
    /\*{4}/.test(head) ||
    (stopgap.test(head) && !/\d.*\d.*\d/.test(head))
  );
}

function isHandedOn(value: string): boolean {
  return (
    handedOn.test(value) && (!/^[A-Z_]+$/i.test(value) || (value.includes('_') && /^[A-Z_]+$/.test(value)))
  );
}

/** Whether what follows a token's prefix was typed to stand for a token: crosses and dots, or words. */
export function isStopgap(body: string): boolean {
  if (body.length < 8) return isPlaceholder(body);
  if (body.replace(/[xX*.#_-]/g, '').length * 3 < body.length) return true;
  // No generator of twenty letters and digits makes lower-case letters alone; code and prose do.
  return (/^[a-z_.-]+$/.test(body) && !/^(.)\1+$/.test(body)) || isPlaceholder(body);
}
