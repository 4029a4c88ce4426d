// Screenshots of each page, light and dark, into docs/screenshots.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context, launch, newcomer, signIn } from "./browser.mjs";
import { prepare, states } from "./pages.mjs";

const folder = process.env.SHOTS ?? join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "screenshots");
mkdirSync(folder, { recursive: true });
const browser = await launch();
const made = await prepare();
for (const theme of ["light", "dark"]) {
  const open = {};
  for (const state of states(made).filter((s) => s.shot || process.env.ALL)) {
    const person = state.person ?? "nobody";
    if (!open[person]) {
      const c = await context(browser, { theme, language: process.env.SHOT_LANGUAGE ?? "en", viewport: { width: Number(process.env.WIDTH ?? 1200), height: 760 }, reducedMotion: "reduce" });
      open[person] = await c.newPage();
      if (state.person) await signIn(open[person], person === "newcomer" ? newcomer() : person);
    }
    const page = open[person];
    await state.open(page);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: join(folder, `${state.name}-${theme}.png`), fullPage: !/menu|dialog/.test(state.name), animations: "disabled" });
  }
}
await browser.close();
