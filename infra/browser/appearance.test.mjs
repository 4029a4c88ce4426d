import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { context, launch, newcomer, signIn } from "./browser.mjs";
import { prepare, states } from "./pages.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let browser, made;
before(async () => { browser = await launch(); made = await prepare(); });
after(() => browser.close());

// One context for each person, so that each signs in once.
async function visitors(options) {
  const open = {};
  return {
    page: async (person) => {
      const name = person ?? "nobody";
      if (!open[name]) {
        const c = await context(browser, options);
        const page = await c.newPage();
        if (person) await signIn(page, person === "newcomer" ? newcomer() : person);
        open[name] = { c, page };
      }
      return open[name];
    },
    close: async () => {
      for (const { c } of Object.values(open)) { c.check(); await c.close(); }
    },
  };
}

const variants = [];
for (const theme of ["light", "dark"]) for (const language of ["en", "ar-XB"]) variants.push({ theme, language });
variants.push({ theme: "light", language: "fr" });

for (const { theme, language } of variants) {
  test(`every page and state is accessible: ${theme}, ${language}`, async () => {
    const people = await visitors({ theme, language, reducedMotion: "reduce" });
    const problems = [];
    for (const state of states(made)) {
      const { c, page } = await people.page(state.person);
      if (state.status) c.expect(state.status);
      await state.open(page);
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => axe.run(document));
      assert.ok(passes.length > 5, `axe looked at ${state.name}`);
      for (const v of violations) problems.push(`${state.name}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
    }
    await people.close();
    assert.deepEqual(problems, []);
  });
}

for (const language of ["en", "fr", "en-XA", "ar-XB"]) {
  test(`nothing is wider than a window of 320 px: ${language}`, async () => {
    const people = await visitors({ language, viewport: { width: 320, height: 640 } });
    const problems = [];
    for (const state of states(made)) {
      const { c, page } = await people.page(state.person);
      if (state.status) c.expect(state.status);
      await state.open(page);
      const over = await page.evaluate(() => {
        const wide = document.documentElement.scrollWidth;
        if (wide <= 320) return null;
        const culprits = [...document.querySelectorAll("body *")].filter((e) => {
          const box = e.getBoundingClientRect();
          return box.width > 0 && (box.right > 321 || box.left < -1) && getComputedStyle(e).position !== "absolute";
        });
        return `${wide} px: ${culprits.slice(0, 4).map((e) => e.tagName + "." + e.className).join(", ")}`;
      });
      if (over) problems.push(`${state.name}: ${over}`);
    }
    await people.close();
    assert.deepEqual(problems, []);
  });
}
