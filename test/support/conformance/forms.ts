const titled = (count: readonly string[], values: string): { const: string; title: string }[] =>
  count.map((name, index) => ({
    const: `${values}${index + 1}`,
    title: `${name} ${values === 'value' ? 'Option' : 'Choice'}`,
  }));

const ordinals = ['First', 'Second', 'Third'];
const options = ['option1', 'option2', 'option3'];

/** A form with a default for every primitive type (SEP-1034). */
export const defaultsForm = {
  type: 'object',
  properties: {
    name: { type: 'string', description: 'User name', default: 'John Doe' },
    age: { type: 'integer', description: 'User age', default: 30 },
    score: { type: 'number', description: 'User score', default: 95.5 },
    status: {
      type: 'string',
      description: 'Status',
      enum: ['active', 'inactive', 'pending'],
      default: 'active',
    },
    verified: { type: 'boolean', description: 'Verified', default: true },
  },
  required: [],
};

/** A form with every way to write a choice (SEP-1330). */
export const enumsForm = {
  type: 'object',
  properties: {
    untitledSingle: { type: 'string', enum: options },
    titledSingle: { type: 'string', oneOf: titled(ordinals, 'value') },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three'],
    },
    untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: options } },
    titledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { anyOf: titled(ordinals, 'value') } },
  },
  required: [],
};
