// Screenshots of each page, light and dark, into docs/screenshots, with the list of them. MISSING=1 takes those alone that aren't there yet,
// ALL=1 takes every state, SHOTS=folder puts them elsewhere.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { context, launch, newcomer, signIn } from "./browser.mjs";
import { prepare, states } from "./pages.mjs";
import { pictured } from "./pictures.mjs";

const docs = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "screenshots");
const folder = process.env.SHOTS ?? docs;
mkdirSync(folder, { recursive: true });
const themes = ["light", "dark"], names = pictured.map((one) => one.name);
const wanted = (name, theme) => process.env.ALL || (names.includes(name) && !(process.env.MISSING && existsSync(join(folder, `${name}-${theme}.png`))));
const browser = await launch();
const made = await prepare();
for (const theme of themes) {
  const open = {};
  for (const state of states(made).filter((s) => wanted(s.name, theme))) {
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
if (folder === docs) {
  const files = names.flatMap((name) => themes.map((theme) => `${name}-${theme}.png`));
  for (const file of readdirSync(docs)) if (file.endsWith(".png") && !files.includes(file)) rmSync(join(docs, file));
  const lines = names.map((name) => `- ${name}: ${themes.map((theme) => `[${theme}](${name}-${theme}.png)`).join(", ")}`);
  writeFileSync(join(docs, "README.md"), `# Pictures of the console\n\nMade by \`make screenshots\` in a real Chromium, each page in light and dark.\n\n${lines.join("\n")}\n`);
}
