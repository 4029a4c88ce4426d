import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { context, launch, newcomer, signIn } from "./browser.mjs";
import { prepare, states } from "./pages.mjs";
import { stack } from "./stack.mjs";

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
for (const theme of ["light", "dark"]) for (const language of ["en", "ar"]) variants.push({ theme, language });
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

for (const language of ["en", "fr", "ar", "en-XA", "ar-XB"]) {
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

// In the page: words and numbers of texts that a line's end cuts. What has no words (IDs, domains, keys) may be cut.
const cut = (narrow) => {
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const parent = node.parentElement;
    if (parent.closest("code, pre, .mono, .quiet, .clip, textarea, option, script, h1" + (narrow ? ", bdi, .name" : "")) || !parent.checkVisibility() || parent.offsetWidth === 1) continue;
    for (const word of node.data.matchAll(/[^\s\-/–—]{2,}/g)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      const tops = [...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top));
      if (Math.max(...tops) - Math.min(...tops) > 4) found.push(`${word[0]} in ${parent.tagName}.${parent.className}`);
    }
  }
  return found;
};

for (const language of ["en", "fr", "ar"]) {
  test(`no word and no number is cut: ${language}`, async () => {
    const people = await visitors({ language });
    const problems = [];
    for (const state of states(made)) {
      const { c, page } = await people.page(state.person);
      if (state.status) c.expect(state.status);
      for (const width of [1440, 1024, 390, 320]) {
        await page.setViewportSize({ width, height: 800 });
        if (width === 1440) await state.open(page);
        for (const word of await page.evaluate(cut, width < 400)) problems.push(`${state.name}, ${width} px: ${word}`);
      }
    }
    await people.close();
    assert.equal([...new Set(problems)].join("\n"), "");
  });
}

// In the page: what can be pressed and is lower or narrower than 24 px. Links in the middle of a text may be.
const small = () => [...document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")].filter((e) => {
  if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".quiet, .skip")) return false;
  const box = (e.type === "radio" || e.type === "checkbox" ? e.closest("label") ?? document.querySelector(`label[for="${e.id}"]`) ?? e : e).getBoundingClientRect();
  const text = e.tagName === "A" && getComputedStyle(e).display === "inline";
  return !text && (box.height < 23.9 || box.width < 23.9);
}).map((e) => `${e.tagName}.${e.className} ${e.innerText.slice(0, 30)} ${Math.round(e.getBoundingClientRect().width)} x ${Math.round(e.getBoundingClientRect().height)}`);

test("what can be pressed is at least 24 px high and wide", async () => {
  const people = await visitors({});
  const problems = [];
  for (const state of states(made)) {
    const { c, page } = await people.page(state.person);
    if (state.status) c.expect(state.status);
    await state.open(page);
    for (const one of await page.evaluate(small)) problems.push(`${state.name}: ${one}`);
  }
  await people.close();
  assert.equal([...new Set(problems)].join("\n"), "");
});

test("forced colours show where one is", async () => {
  const people = await visitors({ forcedColors: "active" });
  const { page } = await people.page("owner");
  for (const path of ["keys", "usage"]) {
    await page.goto(new URL(`/accounts/${stack().demo_account}/${path}`, page.url()).href);
    for (const marked of await page.locator(".tabs a[aria-current], .segments a[aria-current]").all()) {
      const [its, other] = await marked.evaluate((e) => [e, e.closest("ul").querySelector("a:not([aria-current])")].map((one) => getComputedStyle(one).backgroundColor));
      assert.notEqual(its, other, `${path}: the current one looks like the others`);
    }
  }
  await people.close();
});
