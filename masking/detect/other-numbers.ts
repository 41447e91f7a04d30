/** What else has numbers: said right ahead of one, it is no telephone's, no person's and no card's. */
const things =
  'order|invoice|ticket|case|serial|tracking|version|build|part|model|job|issue|meeting|webinar|batch|lot|item|sku|product|variant|article|barcode|ean|gtin|upc|isbn|issn|flight|shipment|parcel|consignment|container|awb|fedex|ups|dhl|usps|commit|revision|block|page|chapter|section|cusip|isin|imo|siren|siret|rcs|company';
const said = new RegExp(
  `(?:^|[^A-Za-z])(?:${things})s?(?:[ _-]?(?:number|num|no|nr|id|code)s?)?\\.?["'\`]?[ \\t]{0,2}[:=#]?[ \\t]{0,2}["'\`#(]?$`,
  'i',
);
const named = new RegExp(
  `(?:^|[^A-Za-z]|[a-z](?=[A-Z]))(?:${things})s?(?:[ _-]?(?:number|num|no|nr|id|code)s?)?$`,
  'i',
);

/** Whether the word right ahead of a number, or the key it stands under, says that it counts or names a thing. */
export function isOfThing(text: string, at: number, key: string): boolean {
  return said.test(text.slice(Math.max(0, at - 28), at)) || (key !== '' && named.test(key));
}
