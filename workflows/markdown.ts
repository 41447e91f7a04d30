/**
 * Text of agents and people as text in Markdown: nothing in it can become a link, an image, a heading or HTML, and
 * no control or bidirectional character changes how the rest reads. At most 400 characters, with a mark where cut.
 */
export function plainMarkdown(text: string): string {
  const tidy = text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  const cut = tidy.length > 400 ? `${tidy.slice(0, 400)} […]` : tidy;
  // A bare URL becomes a link by itself, and the Temporal UI knows no escape for its parts: broken so that people see.
  const broken = cut.replaceAll('://', '[:]//').replace(/www\./gi, (found) => `${found.slice(0, 3)}[.]`);
  return broken.replaceAll('&', '&amp;').replace(/[\\`*_{}[\]()#+\-.!|<>~]/g, '\\$&');
}
