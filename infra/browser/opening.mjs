// What opens pages and states of them, for the lists of these.
import { stack } from "./stack.mjs";

export const to = (path) => (page) => page.goto(stack().console_url + path);

// dialog opens a page, and the dialog of its first link whose address has a part.
export const dialog = (path, part) => async (page) => {
  await to(path)(page);
  await page.locator(`main a[data-dialog][href*="${part}"]`).first().click();
  await page.waitForSelector("dialog[open]");
};
