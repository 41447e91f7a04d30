/**
 * Text of agents and people as text in Markdown: nothing in it can become a link, an image, a heading or HTML, and
 * no control or bidirectional character changes how the rest reads. At most 400 characters, with a mark where cut.
 */
export function plainMarkdown(text: string): string {
  const tidy = text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const cut = tidy.length > 400 ? `${tidy.slice(0, 400)} […]` : tidy;
  // A URL or an e-mail address becomes a link by itself: broken by escaping what makes it one.
  return cut.replace(/[\\`*_{}[\]()#+\-.!|<>~&:@/$^=]/g, '\\$&');
}
