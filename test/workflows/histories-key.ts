/** The key with which the payloads of the committed histories are encrypted; they are made up, and so is it. */
export const codecKeyOfHistories: Buffer = Buffer.alloc(32, 'holdpoint synthetic histories');
