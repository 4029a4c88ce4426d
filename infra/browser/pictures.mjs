// Which states are taken pictures of, below the page that each shows. A page of the console without one turns a test in functions/console red.
import { readFileSync } from "node:fs";

const pages = JSON.parse(readFileSync(new URL("pictures.json", import.meta.url), "utf8"));

export const pictured = Object.entries(pages).flatMap(([page, names]) => names.map((name) => ({ name, page })));

// elsewhere says what a page that is open shows, if that isn't the one that its picture is listed under.
export async function elsewhere(page, name) {
  const listed = pictured.find((one) => one.name === name);
  if (!listed) return null;
  const shown = await page.evaluate(() => document.querySelector("dialog[open] form")?.action ?? location.href);
  const pattern = listed.page.replace("{$}", "").replaceAll(/\{\w+\}/g, "[^/]+");
  const { pathname } = new URL(shown);
  return new RegExp(`^${pattern}$`).test(pathname) ? null : `its picture is listed under ${listed.page}, and it shows ${pathname}`;
}
