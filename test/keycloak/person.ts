import type { Page } from 'playwright-core';

/** The person's part on Keycloak's own page: everybody's password is their name. */
export async function atKeycloak(page: Page, name: string): Promise<void> {
  const password = page.getByRole('textbox', { name: 'Password' });
  await password.waitFor();
  // Whoever is asked anew is not asked for their name again.
  const named = page.getByLabel('Username or email');
  if (await named.isVisible()) await named.fill(name);
  await password.fill(name);
  await page.getByRole('button', { name: 'Sign In' }).click();
}

/** From the question of a program to the answer of its person. */
export async function letIn(
  page: Page,
  url: string,
  name: string,
  onQuestion: () => Promise<void> = async () => {},
): Promise<void> {
  await page.goto(url);
  await page.getByRole('link', { name: /^Continue to/ }).click();
  await atKeycloak(page, name);
  await page.getByRole('button', { name: 'Let it in' }).waitFor();
  await onQuestion();
  await page.getByRole('button', { name: 'Let it in' }).click();
}
