import { birthWord } from './contact.ts';

/** Whether words that numbers need stand anywhere in a text or its key; looked for once a text, when first asked. */
export interface Said {
  birth(): boolean;
  /** Begins a text that stands under `key`. */
  reset(text: string, key: string): void;
}

/** @param births whether dates of birth are looked for at all */
export function createSaid(births: boolean): Said {
  let text = '';
  let key = '';
  let birth: boolean | null = null;
  return {
    birth: () => births && (birth ??= birthWord.test(text) || birthWord.test(key)),
    reset(nextText, nextKey) {
      text = nextText;
      key = nextKey;
      birth = null;
    },
  };
}
