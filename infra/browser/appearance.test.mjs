import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { objections } from "./axe.mjs";
import { context, launch, newcomer, signIn } from "./browser.mjs";
import { prepare, states } from "./pages.mjs";
import { elsewhere } from "./pictures.mjs";
import { stack } from "./stack.mjs";

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

// What is looked at: every page and state in each language, and each in every pair of width and theme, width and language, theme
// and language. The long form takes all of them, and the language that only shows what grows.
const deep = process.env.LATCHKEY_DEEP === "1";
const widths = [1440, 1024, 390, 320];
const languages = ["en", "fr", "ar", ...(deep ? ["en-XA", "ar-XB"] : [])];
const views = (language) => {
  if (deep) return ["light", "dark"].flatMap((theme) => widths.map((width) => ({ theme, width, axe: true })));
  const dark = { en: [1024, 320], fr: [1440, 390], ar: [1024, 390] }[language];
  // The rules of axe take most of the time, and hardly depend on the language: wide and light once, and narrow, dark and from right to left.
  return widths.map((width) => ({ theme: dark.includes(width) ? "dark" : "light", width, axe: width === { en: 1440, ar: 390 }[language] }));
};

// In the page, in a theme: what is wider than the page, what can be pressed and is lower or narrower than 24 px (links in the middle of a text
// may be), rows of tables that aren't shown, choices and placeholders that their field cuts, and words and numbers of texts that a line's end cuts. What has no words (IDs, domains, keys) may be cut.
const faults = ({ theme, words, narrow }) => {
  document.documentElement.dataset.theme = theme;
  const found = [];
  const wide = document.documentElement.scrollWidth;
  if (wide > innerWidth) {
    const culprits = [...document.querySelectorAll("body *")].filter((e) => {
      const box = e.getBoundingClientRect();
      return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1) && getComputedStyle(e).position !== "absolute";
    });
    found.push(`${wide} px wide: ${culprits.slice(0, 4).map((e) => e.tagName + "." + e.className).join(", ")}`);
  }
  for (const e of document.querySelectorAll("a, button, summary, select, input:not([type=hidden])")) {
    if (!e.checkVisibility({ visibilityProperty: true }) || e.closest(".quiet, .skip")) continue;
    const box = (e.type === "radio" || e.type === "checkbox" ? e.closest("label") ?? document.querySelector(`label[for="${e.id}"]`) ?? e : e).getBoundingClientRect();
    const text = e.tagName === "A" && getComputedStyle(e).display === "inline";
    if (!text && (box.height < 23.9 || box.width < 23.9)) found.push(`too small to press: ${e.tagName}.${e.className} ${e.innerText.slice(0, 30)} ${Math.round(box.width)} x ${Math.round(box.height)}`);
  }
  const measure = document.createElement("canvas").getContext("2d");
  for (const e of document.querySelectorAll("select, input[placeholder]:placeholder-shown")) {
    if (!words || !e.checkVisibility({ visibilityProperty: true }) || e.closest(".quiet") || e.getAttribute("dir") === "ltr") continue; // examples may be cut
    const style = getComputedStyle(e), text = e.tagName === "SELECT" ? e.selectedOptions[0]?.text ?? "" : e.placeholder;
    measure.font = style.font;
    const room = e.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight) - (e.tagName === "SELECT" ? 16 : 0); // a select's arrow
    if (e.dir === "auto" && style.direction !== getComputedStyle(document.body).direction) found.push(`an empty field has a direction of its own: ${e.id}`);
    if (measure.measureText(text).width > room + 1) found.push(`cut: ${text} in ${e.tagName}#${e.id}`);
  }
  for (const e of document.querySelectorAll(".unit")) {
    const style = getComputedStyle(e), room = e.parentElement.parentElement.clientWidth;
    measure.font = style.font;
    if (e.checkVisibility() && e.getBoundingClientRect().height > 1.6 * Number.parseFloat(style.lineHeight) && measure.measureText(e.textContent.trim()).width < room - 32) found.push(`an item is broken: ${e.textContent}`);
  }
  for (const row of document.querySelectorAll("tbody > tr:not([hidden])")) {
    if (row.closest("table").checkVisibility() && !row.checkVisibility()) found.push(`a row isn't shown: ${row.textContent.trim().slice(0, 30)}`);
  }
  const lines = (range) => {
    const tops = [...range.getClientRects()].filter((r) => r.width > 0).map((r) => Math.round(r.top));
    return Math.max(...tops) - Math.min(...tops) > 4;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node && words; node = walk.nextNode()) {
    if (!node.data.trim()) continue;
    const parent = node.parentElement, range = document.createRange();
    range.selectNodeContents(node);
    if (!lines(range)) continue; // all of it is in one line
    if (parent.closest("code, pre, .mono, .quiet, .clip, textarea, option, script, h1" + (narrow ? ", bdi, .name" : "")) || !parent.checkVisibility() || parent.offsetWidth === 1) continue;
    for (const word of node.data.matchAll(/[^\s\-/–—]{2,}/g)) {
      if (/^[\u2066-\u2069]?[a-z]{2,3}_[0-9A-Za-z]/.test(word[0])) continue; // an ID, or a key's preview
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (lines(range)) found.push(`cut: ${word[0]} in ${parent.tagName}.${parent.className}`);
    }
  }
  return found;
};

// look says what is wrong with a page that is open, in one view of it.
async function look(page, view, language) {
  await page.setViewportSize({ width: view.width, height: 800 });
  // Made-up languages have longer words than any person writes.
  const problems = await page.evaluate(faults, { theme: view.theme, words: !language.includes("X"), narrow: view.width < 400 });
  if (view.axe) problems.push(...await objections(page));
  return problems.map((problem) => `${view.width} px, ${view.theme}: ${problem}`);
}

// The languages side by side: while one waits for a page, another is looked at.
describe("every page and state is accessible, fits its window, cuts no word, what can be pressed is 24 px, and its picture is listed where it belongs", { concurrency: 3 }, () => {
  for (const language of languages) {
    test(language, async () => {
      const people = await visitors({ language, reducedMotion: "reduce" });
      const problems = new Set();
      let looks = 0;
      for (const state of states(made)) {
        const { c, page } = await people.page(state.person);
        if (state.status) c.expect(state.status);
        const all = views(language);
        await page.setViewportSize({ width: all[0].width, height: 800 });
        try {
          await state.open(page);
        } catch (e) {
          problems.add(`${state.name} doesn't open: ${e.message}`);
          continue;
        }
        const misplaced = await elsewhere(page, state.name);
        if (misplaced) problems.add(`${state.name}: ${misplaced}`);
        for (const view of all) {
          looks++;
          for (const problem of await look(page, view, language)) problems.add(`${state.name}, ${problem}`);
        }
      }
      await people.close();
      console.log(`${language}: ${states(made).length} states, ${looks} looks`);
      assert.equal([...problems].join("\n"), "");
    });
  }
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
